# Textes français de la démonstration. Les mêmes clés existent en anglais, dans en.ftl.

## Toutes les pages de l'application exemple
demo-product = Application exemple
demo-nav = Pages
demo-nav-home = Accueil
demo-nav-me = Mes rôles
demo-nav-directory = L’annuaire
demo-nav-mail = Le courrier
demo-footer = Une application comme une autre : elle ne connaît la passerelle que par OpenID Connect et par son API d’administration. Toutes les personnes sont fictives.

## Accueil
demo-index-title = Choisissez un établissement et connectez-vous
demo-index-lead = Vous vous connecterez à la passerelle, avec un mot de passe que vérifie l’annuaire de l’établissement. Cette application montrera ensuite ce qu’elle a appris de vous, et pourquoi.
demo-index-signed-in = Vous êtes connecté en tant que { $name }.
demo-index-directory = Puis changez un enseignant de groupe, et voyez son rôle changer :
demo-index-gateway = La passerelle :
demo-index-api = son API d’administration
demo-sign-in = Se connecter
demo-who-to-be = Qui être
demo-teacher = Enseignant
demo-administrator = Administrateur
demo-pupil = Élève
demo-anyone = Une personne de votre annuaire

## Connecté
demo-hello = Bonjour, { $name }
demo-sign-out = Se déconnecter
demo-refresh = Actualiser les rôles
demo-refreshed = UserInfo vient d’être relu. Le jeton d’identité ci-dessous est toujours celui de votre connexion.
demo-roles-title = Vos rôles dans { $name }
demo-roles-none = Vous n’avez aucun rôle dans cette application.
demo-assignments = Les mêmes, le rôle et le lieu séparés
demo-role = Rôle
demo-scope = Où
demo-until = Jusqu’à
demo-everywhere = partout
demo-no-end = sans fin
demo-why-title = Pourquoi
demo-why-nothing = Aucune règle ne vous donne de rôle ici.
demo-why-unknown = La passerelle n’a pas pu l’expliquer :
demo-change-group = Changer de groupe dans l’annuaire
demo-elsewhere = Vos rôles dans d’autres applications
demo-missed = Les rôles que vous n’avez pas, et ce qui manque
demo-missed-condition = Ce qui n’est pas vrai
demo-missed-value = Valeur la plus proche
demo-step-entry = entrée de l’annuaire
demo-step-group = groupe
demo-step-rule = règle
demo-step-capture = capturé
demo-step-role = rôle
demo-step-claim = claim
demo-groups-title = Vos groupes, y compris imbriqués
demo-token-title = Le jeton d’identité
demo-token-lead = Sa signature a été vérifiée avec la clé que publie l’établissement ; son émetteur, son destinataire, ses dates et son nonce aussi.
demo-token-header = En-tête
demo-token-claims = Contenu
demo-token-raw = Tel qu’il est arrivé
demo-user-info = UserInfo

## Déconnecté
demo-signed-out-title = Vous êtes déconnecté
demo-signed-out-lead = Votre session ici et votre session à la passerelle sont terminées.
demo-again = Se reconnecter

## Ce qui n'a pas marché
demo-said = Dans les mots du protocole :
demo-try-again = Réessayer
demo-denied-title = Vous avez dit non
demo-denied-detail = Vous n’avez pas autorisé cette application à savoir qui vous êtes : elle n’en sait rien. Vous pouvez changer d’avis.
demo-refused-title = La passerelle a refusé
demo-refused-detail = La connexion a été refusée. Réessayez ; si cela persiste, les mots ci-dessous diront pourquoi à un administrateur.
demo-unreachable-title = La passerelle ne répond pas
demo-unreachable-detail = Sa description n’a pas pu être lue. Est-elle lancée ? Réessayez dans un instant.
demo-broken-title = La connexion n’a pas abouti
demo-broken-detail = La réponse de la passerelle n’a pas pu servir : personne n’est connecté. Réessayez.
demo-state-title = Cette réponse n’est pas attendue
demo-state-detail = Elle n’appartient pas à une connexion commencée dans ce navigateur, ou elle a déjà servi. Recommencez.
demo-stale-title = Cette page est trop ancienne
demo-stale-detail = Le formulaire appartient à une visite précédente. Rouvrez la page et refaites ce que vous vouliez faire.
demo-missing-title = Cette page n’existe pas
demo-missing-detail = L’adresse est fausse, ou l’établissement ne fait pas partie de cette démonstration.
demo-directory-refused = Cela n’a pas marché

## L'annuaire
demo-directory-title = L’annuaire de la démonstration
demo-directory-lead = Ici, vous administrez l’annuaire : derrière cette page, un vrai serveur LDAP change aussitôt, et la passerelle l’apprend à la prochaine synchronisation.
demo-moved = Changement fait dans l’annuaire. La passerelle ne le sait pas encore : synchronisez.
demo-people = Personnes
demo-search = Nom ou identifiant
demo-search-button = Chercher
demo-nobody = Personne ne porte ce nom ici.
demo-nobody-chosen = Personne n’est choisi
demo-choose-someone = Choisissez quelqu’un pour voir ses groupes.
demo-no-groups = Cette personne n’est dans aucun groupe.
demo-from = Quitter le groupe
demo-to = Rejoindre le groupe
demo-move = Changer de groupe
demo-sync-title = Faire lire l’annuaire par la passerelle
demo-sync-lead = La passerelle lit toute sa source « { $name } », compare, et applique les différences.
demo-sync = Synchroniser
demo-run-done = La synchronisation est faite
demo-run-state = La synchronisation a fini ainsi : { $name }
demo-run-read = lus
demo-run-created = nouveaux
demo-run-updated = modifiés
demo-run-disabled = désactivés
demo-run-memberships-added = appartenances ajoutées
demo-run-memberships-removed = appartenances retirées
demo-run-took = Elle a duré { $count } ms.
demo-run-nothing = Rien n’avait changé.
demo-change-created = Nouveau :
demo-change-updated = Modifié :
demo-change-moved = Déplacé :
demo-change-disabled = Désactivé :
demo-change-enabled = Réactivé :
demo-change-removed = Retiré :
demo-change-quarantined = Mis de côté :
demo-change-members-added = Entrés dans
demo-change-members-removed = Sortis de
demo-see-role = Voir mes rôles maintenant
demo-see-role-sign-in = Se connecter pour voir le rôle

## Le courrier
demo-mail-title = Le courrier de la démonstration
demo-mail-lead = Toutes les lettres que la passerelle envoie arrivent ici, et ne vont pas plus loin. La plus récente est en haut.
demo-mail-none = Aucune lettre n’est encore partie. Créez un établissement dont le contact a une adresse, et sa lettre apparaîtra ici.
demo-mail-to = À
demo-mail-date = écrite le
demo-mail-no-subject = (sans objet)
demo-mail-refresh = Actualiser

## Dans le terminal
demo-ready = Passerelle est prête : { $count ->
    [one] un établissement
   *[other] { $count } établissements
  }, { $people } personnes, un annuaire, une application.
demo-open = Ouvrez
demo-open-sample = l’application exemple : connectez-vous, voyez vos rôles et pourquoi
demo-open-directory = l’annuaire : changez un enseignant de groupe, synchronisez, voyez son rôle changer
demo-open-mail = le courrier que la passerelle envoie
demo-open-gateway = la passerelle
demo-open-api = son API d’administration, à essayer
demo-be = Connectez-vous en tant que
demo-operator = opérateur de la plateforme
demo-kept = Tout est gardé dans { $name }.
demo-forgotten = Tout est dans un dossier temporaire, qui disparaît à l’arrêt.
demo-stop = Ctrl-C arrête.
demo-stopping = Arrêt…
