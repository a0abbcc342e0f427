## Ce que `passerelle check` dit de ce qui est poussé

check-feed = dernière requête { $at } ; il déclare { $people } personnes et { $groups } groupes
check-feed-silent = aucune requête depuis { $at }, et il déclare { $people } personnes et { $groups } groupes : voyez si l’approvisionnement est en marche chez le fournisseur d’identité, et si son jeton vit encore
check-feed-never = aucune requête n’est encore venue : donnez au fournisseur d’identité l’adresse { $url } et un jeton (`passerelle token create { $slug } NOM --kind scim --source { $name }`)
check-feed-held = requêtes qui attendent une personne : { $count } ; `passerelle source held { $slug } { $name }` les montre
check-provisioning = dernière écriture { $written } ; en attente : { $waiting }
check-provisioning-paused = en pause, rien n’est écrit : { $why }. En attente : { $waiting }. Une fois corrigé : `passerelle application provisioning check { $slug } { $name }`
check-provisioning-resting = laissé en repos jusqu’au { $until } après { $failures } échecs de suite ; en attente : { $waiting }
check-provisioning-held = retenus jusqu’à l’accord d’une personne : { $count } ; `passerelle application provisioning queue { $slug } { $name } --state held` les montre
check-provisioning-failing = non acceptés : { $count } ; `passerelle application provisioning queue { $slug } { $name }` dit pourquoi, `retry` réessaie

## Jetons

cli-token-opens = ouvre
cli-token-acts-as = agit comme
cli-token-feed = SCIM, pour le flux { $name }
cli-token-api = l’API d’administration
cli-for-ever = toujours
cli-token-default-role = Sans --scope, il agit comme { $role }, le rôle le plus fort ici.
cli-token-for-ever = Il n’expire pas de lui-même : --days N lui donne une fin.

## Sources

cli-source-delete-which = { $people } personnes et { $groups } groupes viennent de « { $name } » : dites ce qu’ils deviennent avec --people keep, disable ou purge (--dry-run ne fait que compter), ou arrêtez plutôt la source : passerelle source enable { $slug } { $name } --off
cli-source-disable-ask = { $count } personnes venues de « { $name } » vont être désactivées, leurs sessions prennent fin, et la source est supprimée. Tapez { $word } pour le faire :
cli-source-purge-ask = { $count } personnes venues de « { $name } » vont être supprimées définitivement, et la source avec elles. Tapez { $word } pour le faire :
cli-source-unconfirmed = { $count } personnes venues de « { $name } » seraient désactivées : dites --yes pour le faire, ou --dry-run pour seulement compter
cli-source-not-meant = rien n’a été fait : « { $word } » n’a pas été tapé
cli-source-is-on = La source { $name } est en marche.
cli-source-is-off = La source { $name } est arrêtée : ni passages, ni connexions, ni requêtes par elle.
cli-last-request = dernière requête
cli-pushed-kind = { $kind }, poussé vers nous
cli-pulled-kind = { $kind }, lu
cli-pushed-address = poussé vers nous
cli-schedule = horaire
cli-settings = réglages
cli-guard = garde-fou
cli-matching = rapprochement
cli-leaving = qui part
cli-secret = secret
cli-waiting-requests = requêtes en attente
cli-error = erreur
cli-failures = échecs de suite
cli-updated-at = modifié le

## Requêtes des flux, ce qui attend, propositions

cli-held-approve = Pour en laisser passer une quand le flux la répète, ou la refuser : passerelle source held { $slug } { $name } --approve CLÉ | --approve-all | --refuse CLÉ
cli-no-feed = « { $name } » est lue, on n’y pousse rien : aucune requête n’est gardée ni n’attend. Ses passages : passerelle source runs { $slug } { $name }
cli-no-id = une clé s’écrit comme 01890a5d-ac96-774b-bcce-b302099a8057 : prenez-la dans la première colonne de la liste
cli-request-body = Ce qu’elle apportait :
cli-request-answer = Ce qui a été répondu :
cli-request-changes = Ce qu’elle a changé :
cli-replay-changes = Ce qu’elle changerait :
cli-replay-resource = La ressource telle qu’elle serait :
cli-nothing = (rien)
cli-proposal-accepted = Désormais, la fiche est celle de { $user } : ce qu’elle dit fait foi, et ce qui a été saisi à la main sans y figurer (une adresse, des unités) disparaît.
cli-proposal-accepted-feed = La fiche est { $user } : elle lui est jointe quand le flux la répète, et fait foi dès lors : ce qui a été saisi à la main sans y figurer (une adresse, des unités) disparaît.
cli-proposal-rejected = La fiche n’est pas { $user } : la prochaine fois, elle devient quelqu’un de nouveau.
cli-decided-by = décidé par

## Rôles, groupes, applications

cli-assignment-added = Désormais, { $user } a le rôle { $role } de { $application }.
cli-assignment-ended = { $user } n’a plus le rôle { $role } de { $application } à la main ; des règles peuvent encore le donner.
cli-assignment-edited = Le rôle { $role } de { $user } est modifié.
cli-members = membres
cli-group = groupe
cli-external-id = identifiant chez le fournisseur
cli-application-edited = L’application { $name } est modifiée.
cli-provisioning-edited = Ce qui est écrit dans { $name } est modifié.
cli-provisioned-people = comptes là-bas
cli-provisioned-groups = groupes là-bas
cli-url = adresse
cli-dry-run = essai à blanc
cli-paused = en pause
cli-rest-until = en repos jusqu’au
cli-last-written = dernière écriture
cli-compared = dernière comparaison
cli-report = { $at } : { $missing } manquants, { $unknown } inconnus, { $differs } différents

## Mots que montrent les tableaux

word-missing = manquant
word-unknown = inconnu
word-differs = différent
word-marked = à examiner
word-waiting = en attente
word-held = retenu
word-done = fait
word-failed = échoué
word-given-up = abandonné
word-create = créer
word-update = modifier
word-deactivate = désactiver
word-delete = supprimer
word-rename = renommer
word-remove-members = retirer des membres
word-user = personne
word-group = groupe
word-guard = garde-fou
word-taken = nom pris
word-asked = qui est-ce ?
word-open = à décider
word-approved = approuvé
word-refused = refusé
word-accepted = accepté
word-rejected = rejeté
word-active = actif
word-pending = invité
word-disabled = désactivé
word-rule = règle
word-manual = à la main
word-yes = oui
word-no = non
