# Textes français de Passerelle. Les mêmes clés existent en anglais, dans en.ftl.

## Toutes les pages
product = Passerelle
tagline = Le passage entre votre annuaire et vos applications
skip-to-content = Aller au contenu
language-other = English
accessibility-link = Accessibilité : partiellement conforme
footer-label = Informations sur le service
help-line = Besoin d’aide ? Adressez-vous au service informatique de votre établissement.

## Connexion
sign-in-title = Connexion
sign-in-to = pour accéder à { $name }
sign-in-username = Identifiant
sign-in-username-hint = Celui que votre établissement vous a donné.
sign-in-password = Mot de passe
sign-in-button = Se connecter
sign-in-error-title = La connexion a échoué
sign-in-wrong = Identifiant ou mot de passe incorrect. Vérifiez les majuscules et réessayez. Après plusieurs essais manqués, un annuaire peut aussi garder un compte verrouillé un moment.
sign-in-account-disabled = Votre mot de passe est juste, mais votre compte est désactivé dans l’annuaire de votre établissement. Demandez à votre établissement de le rouvrir.
sign-in-account-expired = Votre mot de passe est juste, mais votre compte dans l’annuaire de votre établissement a expiré. Demandez à votre établissement de le prolonger.
sign-in-password-expired = Votre mot de passe est juste, mais il a expiré. Changez-le dans l’annuaire de votre établissement, puis connectez-vous avec le nouveau.
sign-in-password-to-change = Votre mot de passe est juste, mais il doit être changé avant sa première utilisation. Changez-le dans l’annuaire de votre établissement, puis connectez-vous avec le nouveau.
sign-in-not-now = Votre mot de passe est juste, mais l’annuaire de votre établissement ne vous laisse pas entrer à cette heure ou depuis ce poste. Demandez à votre établissement quand vous le pouvez.
sign-in-missing = Saisissez votre identifiant et votre mot de passe.
sign-in-again = Pour continuer, confirmez votre identité en vous connectant de nouveau.
sign-in-throttled = Trop d’essais ont échoué. Attendez avant de réessayer ; votre compte n’est pas bloqué.
sign-in-unavailable = L’annuaire de votre établissement ne répond pas : votre mot de passe n’a pas pu être vérifié. Réessayez dans quelques minutes.
sign-in-retry = { $count ->
    [one] Vous pourrez réessayer dans une seconde.
   *[other] Vous pourrez réessayer dans { $count } secondes.
  }
sign-in-shared = Sur un ordinateur partagé, pensez à vous déconnecter.

## Connexion faite, sans application en vue
signed-in-title = Vous êtes connecté(e)
signed-in-lead = Vous êtes connecté(e) en tant que { $name }.
signed-in-next = Ouvrez une application de votre établissement : elle ne redemandera pas votre mot de passe.

## Choix de l’établissement
choice-title = Quel est votre établissement ?
choice-lead = Cherchez-le par son nom, sa ville ou son code UAI.
choice-field = Établissement
choice-button = Continuer
choice-last = La dernière fois, sur cet appareil
choice-results = Établissements trouvés
choice-count = { $count ->
    [one] { $count } établissement
   *[other] { $count } établissements
  }
choice-none = Aucun établissement ne correspond à « { $name } ». Essayez seulement le nom de la ville, ou le code UAI.
choice-more = La liste est trop longue pour être montrée en entier : précisez votre recherche.

## Consentement
consent-title = Autoriser { $name } ?
consent-lead = { $name } demande à connaître ceci de vous :
consent-account = Vous êtes connecté(e) en tant que { $name }.
consent-allow = Autoriser
consent-deny = Refuser
consent-note = Votre réponse est retenue pour cette application. Votre mot de passe ne lui est jamais transmis.
scope-openid = Un identifiant qui vous reconnaît d’une visite à l’autre
scope-profile = Votre nom, votre prénom et votre identifiant de connexion
scope-email = Votre adresse électronique
scope-groups = Les groupes dont vous faites partie
scope-roles = Vos rôles dans cette application
scope-establishment = Votre établissement
scope-offline-access = L’accès à ces informations même lorsque vous n’êtes pas là
scope-other = L’accès nommé « { $name } »

## Déconnexion
logout-title = Se déconnecter ?
logout-lead = Vous allez être déconnecté(e) de { $name } et des applications ouvertes avec ce compte.
logout-button = Se déconnecter
logout-done-title = Vous êtes déconnecté(e)
logout-done-lead = Votre session est terminée. Sur un ordinateur partagé, fermez aussi le navigateur.

## Mot de passe par lien unique
password-title = Choisissez votre mot de passe
password-lead = Bienvenue, { $name }. Ce lien ne sert qu’une fois : il ouvre votre compte dès que le mot de passe est enregistré.
password-account = Votre identifiant
password-new = Nouveau mot de passe
password-confirm = Le même, une seconde fois
password-button = Enregistrer
password-error-title = Le mot de passe n’est pas enregistré
password-rules-title = Ce qui convient, au choix :
password-rule-passphrase = une phrase d’au moins sept mots ;
password-rule-long = au moins 14 caractères de trois sortes parmi minuscules, majuscules, chiffres et signes ;
password-rule-mixed = au moins 12 caractères de ces quatre sortes.
password-rules-note = Un gestionnaire de mots de passe convient très bien : le collage est permis. Évitez votre nom, votre identifiant et les mots de passe déjà utilisés ailleurs.
password-too-weak = Ce mot de passe est trop facile à deviner. Allongez-le, ou choisissez une phrase de sept mots.
password-too-long = Ce mot de passe est trop long : 1 024 octets au plus.
password-differs = Les deux saisies sont différentes. Saisissez deux fois le même mot de passe.
password-missing = Saisissez un mot de passe.
password-saved-title = Votre mot de passe est enregistré
password-saved-lead = Vous pouvez maintenant vous connecter.
password-saved-link = Aller à la page de connexion

## Accueil d’un établissement
role-missing-title = Vous n’avez pas de rôle dans { $name }
role-missing-detail = Votre compte est valable, mais aucun rôle ne vous y est donné.
role-missing-next = Demandez-en un à la personne qui administre les comptes de votre établissement : { $name }.
role-missing-contact = le service informatique

## Accessibilité
accessibility-title = Accessibilité
accessibility-state = Passerelle est partiellement conforme au RGAA 4.1 (WCAG 2.2, niveau AA) : ses pages ont été vérifiées par les tests du projet, et non encore par un audit indépendant.
accessibility-how = Toutes les pages s’utilisent au clavier, sans JavaScript, à 320 pixels de large et à 400 % d’agrandissement.
accessibility-contact-title = Signaler une difficulté
accessibility-contact = Si une page vous arrête, écrivez au service informatique de votre établissement : il doit vous donner une autre manière d’accéder au service. Sans réponse, vous pouvez saisir le Défenseur des droits.

## Erreurs
error-what-next = Que faire ?
error-reference = Référence à communiquer : { $name }
error-home = Retour à l’accueil
error-generic-title = Une erreur est survenue
error-generic-detail = La demande n’a pas pu être traitée. Rien n’a été modifié.
error-generic-next = Réessayez dans un instant. Si cela se reproduit, donnez la référence ci-dessous au service informatique de votre établissement.
error-not-found-title = Cette page n’existe pas
error-not-found-detail = L’adresse est fausse, ou ce qu’elle montrait n’existe plus.
error-not-found-next = Vérifiez l’adresse, ou repartez de l’accueil.
error-expired-title = La connexion a pris trop de temps
error-expired-detail = Cette demande de connexion a expiré, a déjà servi, ou vient d’un autre navigateur.
error-expired-next = Retournez à l’application et connectez-vous de nouveau.
error-csrf-title = Cette page n’est plus valable
error-csrf-detail = Le formulaire envoyé ne correspond pas à votre navigation : il est peut-être resté ouvert trop longtemps, ou les cookies sont refusés.
error-csrf-next = Autorisez les cookies de ce site, retournez à l’application et recommencez.
error-link-title = Ce lien n’est plus valable
error-link-detail = Il a déjà servi, il a expiré, ou il est incomplet.
error-link-next = Demandez un nouveau lien à la personne qui vous l’a envoyé.
error-blocked-title = Cet établissement est suspendu
error-blocked-detail = Personne ne peut s’y connecter pour le moment.
error-blocked-next = Adressez-vous à votre établissement.
error-busy-title = Trop de demandes
error-busy-detail = Trop de demandes sont arrivées en peu de temps.
error-busy-next = Attendez une minute, puis réessayez.
error-unavailable-title = Le service est indisponible pour le moment
error-unavailable-detail = Sa base de données ne répond pas.
error-unavailable-next = Attendez une minute, puis réessayez. Rien de ce qui était enregistré n’est perdu.
error-client-missing-title = Demande de connexion incomplète
error-client-missing-detail = L’application n’a pas dit qui elle est (client_id absent ou répété).
error-client-missing-next = Signalez-le à la personne qui administre l’application.
error-client-unknown-title = Application inconnue
error-client-unknown-detail = L’application qui vous envoie n’est pas enregistrée dans cet établissement (client_id inconnu).
error-client-unknown-next = Vérifiez que vous avez choisi le bon établissement, ou signalez-le à la personne qui administre l’application.
error-client-disabled-title = Application désactivée
error-client-disabled-detail = L’établissement a désactivé la connexion à cette application.
error-client-disabled-next = Adressez-vous au service informatique de votre établissement.
error-redirect-uri-missing-title = Demande de connexion incomplète
error-redirect-uri-missing-detail = L’application n’a pas dit où vous renvoyer (redirect_uri absent ou répété).
error-redirect-uri-missing-next = Signalez-le à la personne qui administre l’application.
error-redirect-uri-unregistered-title = Adresse de retour refusée
error-redirect-uri-unregistered-detail = L’application demande à vous renvoyer à une adresse qui n’est pas enregistrée pour elle (redirect_uri) : vous restez ici, par sécurité.
error-redirect-uri-unregistered-next = N’allez pas plus loin si vous venez d’un lien reçu par message. Sinon, signalez-le à la personne qui administre l’application : l’adresse doit être enregistrée au caractère près.
error-logout-malformed-title = Demande de déconnexion incorrecte
error-logout-malformed-detail = Un paramètre est répété ou trop long.
error-logout-malformed-next = Signalez-le à la personne qui administre l’application.
error-logout-hint-title = Demande de déconnexion refusée
error-logout-hint-detail = Le jeton reçu (id_token_hint) n’a pas été émis ici. Vous n’êtes pas déconnecté(e).
error-logout-hint-next = Déconnectez-vous depuis l’application, ou fermez votre navigateur.
error-logout-client-title = Demande de déconnexion refusée
error-logout-client-detail = L’application nommée n’est pas celle du jeton reçu. Vous n’êtes pas déconnecté(e).
error-logout-client-next = Signalez-le à la personne qui administre l’application.
error-logout-redirect-uri-title = Adresse de retour refusée
error-logout-redirect-uri-detail = L’adresse de retour demandée (post_logout_redirect_uri) n’est pas enregistrée pour cette application. Vous n’êtes pas déconnecté(e).
error-logout-redirect-uri-next = Signalez-le à la personne qui administre l’application : l’adresse doit être enregistrée au caractère près.

## Revues

review-list-title = Rôles à vérifier
review-list-none = Aucune décision ne vous attend.
review-due = À décider avant le { $name }.
review-open = { $count ->
    [0] Tout est décidé.
    [one] Une décision vous attend.
   *[other] { $count } décisions vous attendent.
  }
review-signed-in = Vous êtes connecté(e) en tant que { $name }.
review-done = { $count ->
    [one] Une décision est enregistrée.
   *[other] { $count } décisions sont enregistrées.
  }
review-show-all = Montrer aussi ce qui est décidé
review-show-open = Montrer seulement ce qui reste à décider
review-nothing = Il n’y a rien à décider ici.
review-caption = Chaque ligne est un rôle d’une personne.
review-choose = Choisir
review-person = Personne
review-role = Rôle
review-origin = Vient
review-origin-manual = donné à la main
review-origin-rule = d’une règle
review-origin-default = par défaut
review-used = Dernier usage
review-used-on = le { $day }
review-used-never = jamais
review-decision = Décision
review-decision-open = à décider
review-decision-kept = gardé
review-decision-withdrawn = retiré
review-all = Toutes les lignes de cette page
review-reason = Motif
review-reason-hint = Nécessaire pour retirer un rôle. La personne qui demandera plus tard le lira.
review-keep = Garder ce qui est coché
review-withdraw = Retirer ce qui est coché
review-note = Un rôle retiré l’est aussitôt, et la personne l’apprend. Ce qui n’est pas décidé reste comme c’est.
review-next = Page suivante
review-error-title = Rien n’est enregistré
review-error-choose = Cochez au moins une ligne, puis gardez ou retirez.
review-error-reason = Dites pourquoi, en 500 caractères au plus : un rôle n’est pas retiré sans motif.
review-error-changed = Quelque chose a changé depuis que vous avez ouvert cette page. Vérifiez les lignes cochées, puis recommencez.
review-error-own = Personne ne décide de ses propres rôles. Décochez les vôtres.

## Lettres
mail-greeting = Bonjour { $name },
mail-greeting-plain = Bonjour,
mail-signature = Message automatique de Passerelle, le passage entre votre annuaire et vos applications.
mail-instant = { $day ->
    [1] 1er
   *[other] { $day }
  } { $month ->
    [1] janvier
    [2] février
    [3] mars
    [4] avril
    [5] mai
    [6] juin
    [7] juillet
    [8] août
    [9] septembre
    [10] octobre
    [11] novembre
   *[12] décembre
  } { $year } à { $hour }:{ $minute } (UTC)
mail-created-subject = { $name } est ouvert : choisissez votre mot de passe
mail-created-body =
    L’établissement « { $name } » est ouvert sur Passerelle. Le premier compte qui l’administre est le vôtre ; votre identifiant est « { $administrator } ».

    Choisissez votre mot de passe à cette adresse :

    { $link }

    Elle ne sert qu’une fois, jusqu’au { $until }. Ne la transmettez à personne : qui l’ouvre administre l’établissement.

    Vous vous connecterez ensuite ici :

    { $url }

    Si l’adresse a expiré ou si vous n’attendiez pas ce message, prévenez l’équipe qui gère Passerelle.
mail-reset-subject = { $name } : un nouveau mot de passe pour l’administration
mail-reset-body =
    Un nouveau mot de passe a été demandé pour « { $administrator } », qui administre l’établissement « { $name } ». Vous recevez ce message parce que vous êtes le contact de l’établissement.

    Le mot de passe se choisit à cette adresse :

    { $link }

    Elle ne sert qu’une fois, jusqu’au { $until }. Qui l’ouvre administre l’établissement : ne la transmettez qu’à cette personne.

    La connexion se fait ensuite ici :

    { $url }

    Si personne chez vous ne l’a demandé, prévenez l’équipe qui gère Passerelle.

# Une synchronisation est retenue.
mail-held-subject = { $name } : la synchronisation « { $source } » attend votre décision
mail-held-what =
    Une synchronisation de la source « { $source } » de l’établissement « { $name } » est retenue, et rien n’a été changé. Elle a lu { $read } entrées, et aurait :

    - désactivé { $people ->
        [one] { $people } personne
       *[other] { $people } personnes
      } ;
    - supprimé { $groups ->
        [one] { $groups } groupe
       *[other] { $groups } groupes
      } ;
    - retiré { $memberships ->
        [one] { $memberships } appartenance
       *[other] { $memberships } appartenances
      }.
mail-held-others = - et { $count } de plus
mail-held-decide =
    Si c’est une erreur de l’annuaire ou du filtre, corrigez-la et refusez cette synchronisation. Si c’est voulu, approuvez-la : elle fera ce qu’elle a nommé, une fois.

    Voir ce qu’elle changerait :

        passerelle source run { $slug } { $run }

    L’approuver, ou la refuser :

        passerelle source run { $slug } { $run } --approve
        passerelle source run { $slug } { $run } --refuse

    Par l’API :

    { $url }

# To someone whose roles changed.
mail-roles-subject = { $name } : vos rôles ont changé
mail-roles-subject-given = { $name } : vous avez de nouveaux droits
mail-roles-gained = { $name } vous a donné :
mail-roles-lost = { $name } vous a retiré :
mail-roles-role = { $application } : { $role }
mail-roles-role-in = { $application } : { $role } ({ $scope })
mail-roles-until = jusqu’au { $until }
mail-roles-now = Cela vaut dès maintenant. Une application déjà ouverte peut vous demander de vous connecter à nouveau.
mail-roles-contact = Une question, une erreur ? Écrivez à { $contact }.
mail-roles-ask = Une question, une erreur ? Adressez-vous à l’administration de votre établissement.

# To whoever is to decide in a review.
mail-review-subject = { $name } : des rôles à vérifier avant le { $day }
mail-review-subject-again = { $name } : rappel, des rôles à vérifier avant le { $day }
mail-review-body =
    Pour la revue « { $title } », dites de chacun s’il garde le rôle qu’il a. { $count ->
        [one] Une décision vous attend
       *[other] { $count } décisions vous attendent
      }, jusqu’au { $until }.

    Ouvrez cette page et connectez-vous :

    { $url }

    Personne ne décide de ses propres rôles. Ce qui n’est pas décidé reste comme c’est, et sera noté comme non décidé.

# Un jeu de règles est retenu à son heure.
mail-rule-set-subject = { $name } : le jeu de règles « { $title } » attend votre décision
mail-rule-set-what =
    L’heure du jeu de règles « { $title } » de l’établissement « { $name } » est venue. Il est retenu, et les règles sont restées telles quelles. La raison :

        { $why }

    Appliqué maintenant, il donnerait { $gained } rôles et en retirerait { $lost }.
mail-rule-set-decide =
    Voir qui gagnerait et qui perdrait quoi :

        passerelle rule set simulate { $slug } { $set }

    Si c’est voulu, appliquez-le en nommant le nombre de rôles qu’il retire. Sinon, annulez-le, et préparez-le de nouveau une fois corrigé :

        passerelle rule set apply { $slug } { $set } --confirm-losses { $lost }
        passerelle rule set cancel { $slug } { $set }

## Ligne de commande

cli-number = numéro
cli-slug = nom court
cli-name = nom
cli-uai = UAI
cli-zone = zone
cli-title = intitulé
cli-locality = localité
cli-placement = emplacement
cli-contact = contact
cli-status = état
cli-created = créé le
cli-username = identifiant
cli-email = courriel
cli-last-sign-in = dernière connexion
cli-leaves-on = conservé jusqu’au
cli-skipped = laissés tels quels
cli-source-deleted = La source « { $name } » est supprimée.
cli-removal-people = personnes de la source
cli-stated-elsewhere = connus d’une autre source
cli-kept = conservés
cli-without-password = sans mot de passe
cli-purged = supprimés définitivement
cli-groups-kept = groupes conservés
cli-groups-removed = groupes supprimés
cli-id = clé
cli-unit = unité
cli-parent = au-dessus
cli-other = de
cli-given-by = donné par
cli-line = ligne
cli-field = champ
cli-relation-added = Désormais, { $user } est { $kind } de { $other }.
cli-relation-ended = { $user } n’est plus { $kind } de { $other }.
cli-imported-rows = Lignes : { $added } ajoutées, { $updated } modifiées, { $unchanged } inchangées, { $refused } refusées.
cli-would-import = Rien n’est écrit. Lignes : { $added } seraient ajoutées, { $updated } modifiées, { $unchanged } inchangées, { $refused } refusées.
cli-source = source
cli-unit-added = L’unité { $name } est ajoutée.
cli-unit-edited = L’unité { $name } est modifiée. Avec elle : { $people } personnes, { $assignments } rôles donnés à la main.
cli-unit-deleted = L’unité { $name } est retirée. Repris : { $units } unités, { $people } personnes, { $assignments } rôles donnés à la main.
cli-unit-rules = Des règles parlent du nom qu’elle avait ; vérifiez qu’elles donnent toujours ce qu’elles doivent donner : { $rules }
cli-entry = fiches
cli-first-administrator = La première personne à administrer, { $name }, choisit son mot de passe à cette adresse. Elle sert une fois, jusqu’au { $until }, et n’est montrée que maintenant :
cli-first-administrator-mailed = Le contact reçoit à l’adresse { $email } une lettre avec le lien par lequel { $name } choisit son mot de passe. Elle part dès que la passerelle est en marche.
establishment-not-transmitted = Ce lien n’est envoyé à personne : transmettez-le vous-même. Il n’est montré qu’une fois et ne pourra pas être retrouvé.
cli-operator-link = L’opérateur { $name } choisit son mot de passe à cette adresse. Elle sert une fois, jusqu’au { $until }, et n’est montrée que maintenant :
cli-invite-link = { $name } choisit un mot de passe à cette adresse. Elle sert une fois, jusqu’au { $until }, et n’est montrée que maintenant :
cli-reset-link = { $name } choisit un autre mot de passe à cette adresse. Elle sert une fois, jusqu’au { $until }, et n’est montrée que maintenant :
cli-establishment-blocked = { $name } est bloqué. Personne ne peut s’y connecter ; ses sessions et ses jetons ont pris fin.
cli-establishment-unblocked = { $name } est débloqué : on peut de nouveau s’y connecter.
cli-delete-without-archive = Aucune dernière archive de { $slug } n’est écrite : --archive FICHIER l’écrit.
cli-delete-with-archive = Une dernière archive de { $slug } est d’abord écrite.
cli-delete-confirm = Tout ce que contient { $slug }, personnes comprises, disparaît définitivement. Tapez { $slug } pour le supprimer :
cli-establishment-deleted = { $slug } est supprimé, avec tout ce qu’il contenait.
cli-receipt-confirmed = confirmé
cli-receipt-waiting = en cours
cli-receipt-unreachable = injoignable
cli-receipt-lives-on = continue seule
cli-receipt-later = Ce que les applications répondent plus tard : passerelle establishment receipt { $slug } { $batch }
cli-reset-mailed = Une adresse à usage unique, par laquelle { $name } choisit un autre mot de passe, est envoyée à { $address }.
cli-user-disabled = { $name } est désactivé. Ses sessions et ses jetons ont pris fin.
cli-user-enabled = { $name } peut de nouveau se connecter.
cli-user-deleted = { $name } est supprimé définitivement.
cli-kind = genre
cli-enabled = actif
cli-last-success = à jour au
cli-next-run = prochaine lecture
cli-address = adresse
cli-step = étape
cli-result = résultat
cli-detail = détail
cli-check-failed = La source n’est pas utilisable en l’état.
cli-reading = Lecture de l’annuaire…
cli-started = début
cli-mode = mode
cli-state = état
cli-read = lus
cli-created-count = créés
cli-updated = modifiés
cli-moved = déplacés
cli-disabled = désactivés
cli-enabled-again = réactivés
cli-removed = retirés
cli-quarantined = mis de côté
cli-memberships-added = appartenances ajoutées
cli-memberships-removed = appartenances retirées
cli-duration = durée
cli-change = changement
cli-more-changes = … et { $count } de plus : l’API d’administration les donne page par page.
cli-held = { $why } : passerelle source run { $slug } { $run } --approve, ou --refuse
cli-source-edited = La source { $name } est modifiée.
cli-source-added = La source { $name } est ajoutée. Essayez-la avec : passerelle source check, puis preview, puis sync.
cli-establishment = établissement
cli-people = personnes
cli-groups = groupes
cli-run = passage
cli-no-establishment = (aucun)
cli-unplaced = Ne désigne aucun établissement : { $value } – { $people } personnes ({ $names })
cli-held-there = En attente dans : { $establishments }. Regardez chaque passage, puis approuvez avec : passerelle source run EST RUN --approve
cli-pass-failed = L’annuaire n’a pas pu être réparti entre les établissements.
cli-scope = portée
cli-last-used = dernier usage
cli-expires = jusqu’au
cli-feed-added = Le flux { $name } est ajouté. Donnez à votre fournisseur d’identité cette adresse : { $url }
    et un jeton : passerelle token create { $est } NOM --kind scim --source { $name }
cli-held-reason = pourquoi
cli-held-operation = demande
cli-held-times = fois
cli-held-last = dernière
cli-held-decided = { $count ->
    [one] Une demande est décidée : elle sera faite, ou refusée, quand le flux la répétera.
   *[other] { $count } demandes sont décidées : elles seront faites, ou refusées, quand le flux les répétera.
}
cli-token-created = Le jeton { $name } n’est montré que maintenant :
cli-token-revoked = Le jeton a pris fin.
cli-application = application
cli-application-added = L’application { $name } est ajoutée, avec { $roles } rôles.
cli-cardinality = cardinalité
cli-default-role = rôle par défaut
cli-roles = rôles
cli-role = rôle
cli-when = quand
cli-dialect = dialecte
cli-method = méthode
cli-failing = refusée parce que
cli-user = personne
cli-alike = semblables par
cli-proposed-entry = fiche
cli-origin = origine
cli-client = client
cli-client-created = Le client { $id } est enregistré. Son émetteur est { $issuer }.
cli-client-secret = Son secret n’est montré que maintenant :
cli-client-deleted = Le client est supprimé, avec tout ce qui lui était accordé.
cli-rule-added = La règle { $id } est ajoutée, et les rôles de tous sont recalculés.
cli-rule-deleted = La règle est supprimée, avec ce qu’elle donnait.
cli-reason = motif
cli-exclusion-ended = L’exclusion { $id } est levée : les règles donnent à nouveau ce qu’elles donnent.
cli-review-decided = décidé
cli-review-open = reste
cli-review-decision = décision
cli-roles-gained = rôles gagnés
cli-roles-lost = rôles perdus
cli-losers = Rôles qui ont cédé, l’application n’en permettant qu’un :
cli-lost-by-order = { $winner } le précède dans le catalogue ({ $winner_rank } avant { $rank })
cli-lost-by-priority = la règle qui donne { $winner } est plus forte
cli-lost-by-scope = { $winner } vient en premier
cli-miss-captures = les captures de ses conditions ne s’accordent pas, ou l’une de celles qu’il faut est vide
cli-miss-person = la personne n’est pas active ; vu : { $value }
cli-miss-not-yet = la règle compte à partir de { $value }
cli-miss-no-longer = la règle a compté jusqu’à { $value }
cli-miss-unknown = le catalogue ne connaît pas le rôle { $value }
cli-miss-scope = le catalogue ne fait pas valoir le rôle là ; vu : { $value }
cli-miss-rule = une règle plus forte donne { $value }
cli-miss-role = un rôle plus fort que { $value } est tenu
cli-miss-excluded = la personne est exclue du rôle { $value }
cli-told-client = Ce que { $client } recevrait maintenant :
cli-refused-client = Rien : le client est désactivé.
cli-refused-person = Rien : la personne n’est pas active.
cli-refused-role = Rien : l’application exige un rôle, et cette personne n’en a aucun qui compte.
cli-no-roles-scope = Il ne peut pas demander la portée « roles » : seule sa forme de claims peut lui donner des rôles.
cli-simulated = gagnés : { $gained } ; perdus : { $lost } ; inchangés : { $unchanged }
cli-rules-applied = Les règles sont en vigueur. Règles : { $added } nouvelles, { $removed } retirées, { $kept } inchangées. Rôles : { $gained } donnés, { $lost } retirés.
cli-rules-rolled-back = Les règles d’avant sont de nouveau en vigueur. Règles : { $added } nouvelles, { $removed } retirées, { $kept } inchangées. Rôles : { $gained } donnés, { $lost } retirés.
cli-rule-set-added = Le jeu de règles { $name } est préparé. Essayez-le avec : passerelle rule set simulate
cli-rule-set-scheduled = Le jeu de règles { $name } sera appliqué à partir de { $at }.
cli-rule-set-cancelled = Le jeu de règles { $name } ne sera pas appliqué.
cli-rule-set-deleted = Le jeu de règles { $name } est supprimé.
cli-apply-at = appliqué dès
cli-no-role = Aucun rôle.
cli-does-not-count = ne compte pas actuellement
cli-nearest-misses = Règles qui n’ont rien donné, les plus proches d’abord :
cli-miss = { $condition } ; vu : { $value }
cli-first-operator = Aucun opérateur n’existe encore. Créez le premier dans un autre terminal : { $command }
cli-place = endroit
cli-check-wrong = choses qui ne vont pas : { $count } ; voyez les lignes marquées ✗.
cli-recipient = destinataire
cli-topic = objet
cli-attempts = essais
cli-due = échéance
cli-outbox-retried = L’envoi à { $recipient } est repris.

cli-file-there = { $file } existe déjà : choisissez un autre fichier, ou remplacez-le avec --force
cli-exported = { $name } est enregistré dans { $file } : { $rows } lignes. Gardez ce qui l’ouvre ailleurs que le fichier.
cli-imported = { $name } est en place, avec { $rows } lignes.
cli-restore-confirm = Tout ce que contient { $slug }, personnes comprises, est remplacé par le contenu de l’archive. Tapez { $slug } pour le remettre en place :
cli-restored = { $name } est tel qu’il était le { $at } : { $rows } lignes. Chacun devra se reconnecter.
cli-rehearsed = L’archive est complète : tout est revenu à l’identique. Rien n’a été modifié.
cli-rehearsal-failed = ce qui est revenu n’est pas ce que contient l’archive : ne comptez pas sur elle
cli-table = table
cli-archived = dans l’archive
cli-put-back = remis en place
cli-same = identique
cli-different = différent
cli-notice-number = Le numéro { $number } est celui d’un autre établissement : celui-ci en a reçu un nouveau.
cli-notice-uai = L’UAI { $uai } appartient à un autre établissement : celui-ci n’en a plus.
cli-notice-zone = La zone { $zone } n’est pas dans la liste de cette plateforme : l’établissement n’en a plus.
cli-notice-tokens = { $count } jetons d’API ont été laissés de côté : ce sont ceux de l’original. Créez-en de nouveaux.
cli-passphrase = Phrase secrète :
cli-passphrase-again = La même phrase secrète, encore une fois :
cli-passphrases-differ = les deux phrases secrètes ne sont pas les mêmes
cli-no-passphrase = donnez la phrase secrète dans la variable PASSERELLE_PASSPHRASE, ou lancez la commande dans un terminal
cli-moved-to = { $name } est maintenant dans { $place } : { $rows } lignes ont été copiées.

check-said = { $said }
check-room = { $free } Mio libres dans { $folder }
check-room-little = il ne reste que { $free } Mio dans { $folder } : libérez de la place, au moins { $least } Mio, avant que plus rien ne puisse être écrit
check-room-unknown = la place libre dans { $folder } est inconnue : { $said }
check-files = { $allowed } fichiers ouverts permis, environ { $needed } peuvent être nécessaires
check-files-few = { $allowed } fichiers ouverts permis alors qu’environ { $needed } peuvent être nécessaires : relevez LimitNOFILE= du service (ulimit -n), ou baissez limits.open_establishments_max et limits.connections_max
check-database = PostgreSQL { $version }, { $encoding }, base { $name } en tant que { $login }
check-standby = ce serveur est un réplica, en lecture seule : nommez le serveur primaire dans store.url
check-temporary = n’importe qui peut créer des tables temporaires dans cette base, et remplir son disque : exécutez { $sql }
check-clock = l’horloge de cette machine et celle du serveur diffèrent de { $apart } s
check-clock-apart = l’horloge de cette machine et celle du serveur diffèrent de { $apart } s, plus de { $most } s : mettez les deux à l’heure par NTP
check-clock-node = l’horloge d’un autre nœud avance de { $ahead } s sur celle de cette machine : mettez toutes les machines à l’heure par NTP
check-connections = le serveur accepte { $most } connexions et un nœud en ouvre { $own } au plus : place pour { $nodes } nœuds
check-connections-few = le serveur accepte { $most } connexions et un nœud en ouvre { $own } au plus : relevez max_connections sur le serveur, ou baissez store.connections_max
check-mail-none = non configuré : les liens à usage unique sont montrés à qui les crée ; réglez mail.host et mail.from pour les envoyer
check-jobs = tâches en liste : { $count }, aucune en retard
check-jobs-late = tâches en liste : { $count }, dont { $late } en retard de plus de { $minutes } minutes : une passerelle est-elle en service (`passerelle serve`) ? Si oui, son journal dit pourquoi elles échouent
check-archives = aucune archive n’a plus de { $hours } heures
check-archives-late = établissements sans archive des { $hours } dernières heures : { $count } ({ $named }) ; cherchez la raison dans le journal de la passerelle en service, et de la place dans { $folder }
check-stranger = la base { $name } n’est celle d’aucun établissement de cette installation : si elle n’appartient pas à une autre installation, supprimez-la
check-stranger-aside = { $name } a été trouvé à la création d’un établissement de ce nom, et mis de côté : voyez si quelqu’un en a besoin, puis supprimez-le
check-stranger-moved = { $name } est le reste d’un déplacement interrompu : exécutez `passerelle establishment move { $slug } --to { $to }`
check-stranger-scratch = { $name } est le reste d’un essai de restauration interrompu : supprimez-le
check-stranger-role = le rôle SQL { $name } ne possède plus rien : exécutez { $sql }
check-keys = clés de signature : { $count } ; elles s’ouvrent avec la clé maîtresse
check-source-late = rien n’a été repris depuis { $since } : `passerelle source runs` dit pourquoi, ou si un programme est en service
check-source-paused = laissée en repos jusqu’au { $until } après { $failures } échecs de suite : `passerelle source show` dit pourquoi
check-outbox = messages abandonnés : { $count } ; `passerelle establishment outbox { $slug } --state dead` dit pourquoi
check-looked = établissements examinés : { $looked } sur { $count }
check-versions = toutes les bases sont à la version { $version }
check-versions-behind = bases qui ne sont peut-être pas à la version { $version } : { $count } ; chacune est mise à niveau quand on l’ouvre, et toutes par une passerelle en service
cli-bulk-done = fait
cli-bulk-failed = échec
cli-bulk-some-failed = { $failed } établissements sur { $total } n’ont pas abouti : le tableau dit pourquoi. Les autres sont faits.
cli-bulk-receipt = reçu : passerelle establishment receipt { $slug } { $batch }
cli-bulk-delete-confirm = { $count } établissements seront supprimés pour toujours, avec tout ce qu’ils contiennent. Tapez « { $word } » pour confirmer :
cli-several-into = un seul établissement va dans un fichier : pour plusieurs, nommez un dossier avec --into (export) ou --archive-into (delete)
cli-people-active = actifs
cli-people-pending = invités
cli-people-disabled = désactivés
cli-signed-in = connectés (30 j)
cli-sessions = sessions
cli-size-kb = taille (Ko)
cli-last-sync = dernière synchronisation
cli-sum = somme

# Rôles de la passerelle.
role-operator = Opérateur de la plateforme
role-administrator = Administrateur
role-auditor = Auditeur
role-unit-administrator = Administrateur d’unité
role-help-desk = Assistance
role-responsible = Responsable d’application

## Ce qui frappe dans les règles

lint-broken = Elle ne convient plus et ne donne rien : { $why }
lint-role = Le rôle « { $role } » n’est pas au catalogue : elle ne donne rien.
lint-disabled = Elle est désactivée.
lint-waiting = Elle ne donne rien avant le { $at }.
lint-ended = Elle ne donne plus rien depuis le { $at }. Retirez sa fin, ou supprimez-la.
lint-ended-yearly = Elle ne donne plus rien depuis le { $at }, son jour de l’année. Tout changement la reconduit pour un an.
lint-shadowed = Une autre règle donne la même chose à tous ceux qu’elle désigne, et passe avant elle : { $rule }
lint-overlapping = Une autre règle dit la même chose pendant qu’elle compte : { $rule }
lint-no-group = Aucun groupe ne correspond à « { $pattern } ».
lint-no-group-of = Aucun groupe de la source « { $name } » ne correspond à « { $pattern } ».
lint-no-member = Des groupes correspondent à « { $pattern } », et personne d’actif n’y est.
lint-no-attribute = Personne n’a d’attribut « { $name } » : voyez la correspondance de la source.
lint-no-value = Chez personne, « { $name } » ne correspond à « { $pattern } ».
lint-no-unit = Personne n’est dans une unité qui correspond à « { $pattern } ».
lint-no-source = Il n’y a pas de source « { $name } ».
lint-nobody-from-source = Personne ne vient de la source « { $name } ».
lint-unnamed-source = Elle donne un rôle de la passerelle par les groupes de n’importe quelle source : nommez-en la source (« { $own } » pour ceux de l’établissement).
lint-nobody = Elle ne donne rien à personne aujourd’hui.
lint-capture = Rien n’utilise ce que prend « { $name } » : écrivez (?:…) pour des parenthèses sans nom.
cli-remark = remarque
cli-rule = règle
cli-rule-open = compte
cli-rule-disabled = désactivée
cli-rule-waiting = à partir du { $at }
cli-rule-until = jusqu’au { $at }
cli-rule-ended = finie le { $at }
cli-rules-fine = Il n’y a rien à remarquer dans ces règles.

# Aux administrateurs, quand plus rien n’est écrit dans une application.
mail-provisioning-subject = { $name } : « { $application } » attend votre décision
mail-provisioning-denied =
    L’application « { $application } » de l’établissement « { $name } » ne laisse plus la passerelle écrire de comptes. Rien n’y est écrit tant que vous n’y avez pas vu. Elle dit :

    { $why }

    Corrigez là-bas ce qui ne va pas, ou donnez un autre secret. Vérifiez ensuite, ce qui relance aussi l’écriture :

        passerelle application provisioning check { $slug } { $application }
mail-provisioning-held =
    Dans l’application « { $application } » de l’établissement « { $name } », { $count } comptes et groupes sur { $of } seraient désactivés ou supprimés, et c’est trop en un jour. Ils restent tels quels jusqu’à votre décision ; tout le reste continue.

    Si une règle, une source ou le catalogue est en cause, corrigez-les : qui retrouve son rôle reste. Si c’est voulu, voyez de qui il s’agit et approuvez ; votre accord vaut un jour :

        passerelle application provisioning queue { $slug } { $application } --state held
        passerelle application provisioning approve { $slug } { $application } --rows { $count }

cli-act = action
cli-difference = différence
cli-provisioning-set = Les personnes de { $name } sont désormais écrites dans { $url }, par la passerelle en marche.
cli-provisioning-dry = { $name } est préparée à blanc : rien n’est écrit dans { $url }, et `application provisioning queue` dit ce qui le serait.
cli-provisioning-stands = On écrit déjà dans { $name }. Modifiez ce réglage avec `passerelle application provisioning edit { $slug } { $name } '{"{"}"…": …{"}"}'`, son secret avec `edit { $slug } { $name } --secret-file FICHIER`, ou supprimez-le d’abord avec `delete`.
cli-provisioning-deleted = Plus rien n’est écrit dans { $name }. Ce qui s’y trouve y reste.
cli-provisioning-asked = La passerelle en marche compare tout ; `application provisioning show` et `drift` disent ce qu’elle a trouvé.
cli-provisioning-approved = Approuvé : { $count } y sont désactivés ou supprimés.
cli-provisioning-retried = Tentés à nouveau : { $count }.
cli-provisioning-check-failed = On ne peut pas écrire dans ce service tel qu’il est.
