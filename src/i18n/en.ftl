# English texts of Passerelle. The same keys exist in French, in fr.ftl.

## Every page
product = Passerelle
tagline = The way across from your directory to your applications
skip-to-content = Skip to content
language-other = Français
accessibility-link = Accessibility: partially compliant
footer-label = About this service
help-line = Need help? Ask the IT service of your establishment.

## Sign-in
sign-in-title = Sign in
sign-in-to = to continue to { $name }
sign-in-username = User name
sign-in-username-hint = The one your establishment gave you.
sign-in-password = Password
sign-in-button = Sign in
sign-in-error-title = You are not signed in
sign-in-wrong = Wrong user name or password. Check capital letters and try again. After several wrong attempts, a directory may also keep an account locked for a while.
sign-in-account-disabled = Your password is right, but your account is disabled in your establishment’s directory. Ask your establishment to open it again.
sign-in-account-expired = Your password is right, but your account in your establishment’s directory has expired. Ask your establishment to extend it.
sign-in-password-expired = Your password is right, but it has expired. Change it in your establishment’s directory, then sign in with the new one.
sign-in-password-to-change = Your password is right, but it has to be changed before its first use. Change it in your establishment’s directory, then sign in with the new one.
sign-in-not-now = Your password is right, but your establishment’s directory does not let you in at this hour or from here. Ask your establishment when you may.
sign-in-missing = Type your user name and your password.
sign-in-again = To continue, confirm who you are by signing in again.
sign-in-throttled = Too many attempts failed. Wait before you try again; your account is not locked.
sign-in-unavailable = Your establishment’s directory does not answer, so your password could not be checked. Try again in a few minutes.
sign-in-retry = { $count ->
    [one] You can try again in one second.
   *[other] You can try again in { $count } seconds.
  }
sign-in-shared = On a shared computer, remember to sign out.

## Signed in, with no application in view
signed-in-title = You are signed in
signed-in-lead = You are signed in as { $name }.
signed-in-next = Open an application of your establishment: it will not ask for your password again.

## Choice of establishment
choice-title = Which establishment are you from?
choice-lead = Search by name, town or UAI code.
choice-field = Establishment
choice-button = Continue
choice-last = Last time, on this device
choice-results = Establishments found
choice-count = { $count ->
    [one] { $count } establishment
   *[other] { $count } establishments
  }
choice-none = No establishment matches “{ $name }”. Try the town alone, or the UAI code.
choice-more = The list is too long to show in full: narrow your search.

## Consent
consent-title = Allow { $name }?
consent-lead = { $name } asks to know this about you:
consent-account = You are signed in as { $name }.
consent-allow = Allow
consent-deny = Deny
consent-note = Your answer is remembered for this application. It never receives your password.
scope-openid = An identifier that recognises you from one visit to the next
scope-profile = Your name and your user name
scope-email = Your e-mail address
scope-groups = The groups you are in
scope-roles = Your roles in this application
scope-establishment = Your establishment
scope-offline-access = Access to all this even while you are away
scope-other = The access named “{ $name }”

## Sign-out
logout-title = Sign out?
logout-lead = You will be signed out of { $name } and of the applications opened with this account.
logout-button = Sign out
logout-done-title = You are signed out
logout-done-lead = Your session has ended. On a shared computer, close the browser too.

## Password by one-time link
password-title = Choose your password
password-lead = Welcome, { $name }. This link works once: it opens your account as soon as the password is saved.
password-account = Your user name
password-new = New password
password-confirm = The same, once more
password-button = Save
password-error-title = The password is not saved
password-rules-title = What will do, as you like:
password-rule-passphrase = a phrase of at least seven words;
password-rule-long = at least 14 characters of three kinds among lower case, capitals, digits and signs;
password-rule-mixed = at least 12 characters of all four kinds.
password-rules-note = A password manager does very well: pasting is allowed. Avoid your name, your user name and passwords used elsewhere.
password-too-weak = This password is too easy to guess. Make it longer, or choose a phrase of seven words.
password-too-long = This password is too long: 1,024 bytes at most.
password-differs = The two entries differ. Type the same password twice.
password-missing = Type a password.
password-saved-title = Your password is saved
password-saved-lead = You can now sign in.
password-saved-link = Go to the sign-in page

## Home of an establishment
role-missing-title = You have no role in { $name }
role-missing-detail = Your account is valid, but it has been given no role there.
role-missing-next = Ask whoever manages the accounts of your establishment for one: { $name }.
role-missing-contact = the IT service

## Accessibility
accessibility-title = Accessibility
accessibility-state = Passerelle partially complies with RGAA 4.1 (WCAG 2.2, level AA): its pages are checked by the project’s tests, and not yet by an independent audit.
accessibility-how = Every page works by keyboard, without JavaScript, at a width of 320 pixels and at 400% zoom.
accessibility-contact-title = Report a difficulty
accessibility-contact = If a page stops you, write to the IT service of your establishment: it must give you another way to use the service. Without an answer, you may turn to the Défenseur des droits (in France).

## Errors
error-what-next = What to do?
error-reference = Reference to pass on: { $name }
error-home = Back to the home page
error-generic-title = Something went wrong
error-generic-detail = The request could not be answered. Nothing was changed.
error-generic-next = Try again in a moment. If it happens again, give the reference below to the IT service of your establishment.
error-not-found-title = This page does not exist
error-not-found-detail = The address is wrong, or what it showed is gone.
error-not-found-next = Check the address, or start again from the home page.
error-expired-title = Signing in took too long
error-expired-detail = This sign-in request has expired, was already used, or comes from another browser.
error-expired-next = Go back to the application and sign in again.
error-csrf-title = This page is no longer valid
error-csrf-detail = The form that was sent does not belong to your visit: perhaps it stayed open too long, or cookies are refused.
error-csrf-next = Allow cookies from this site, go back to the application and start again.
error-link-title = This link is no longer valid
error-link-detail = It was already used, it has expired, or it is incomplete.
error-link-next = Ask whoever sent it to you for a new one.
error-blocked-title = This establishment is suspended
error-blocked-detail = Nobody can sign in there for now.
error-blocked-next = Turn to your establishment.
error-busy-title = Too many requests
error-busy-detail = Too many requests came in a short time.
error-busy-next = Wait a minute, then try again.
error-unavailable-title = The service is not available at the moment
error-unavailable-detail = Its database does not answer.
error-unavailable-next = Wait a minute, then try again. Nothing that was saved before is lost.
error-client-missing-title = Incomplete sign-in request
error-client-missing-detail = The application did not say which one it is (client_id missing or repeated).
error-client-missing-next = Report it to whoever manages the application.
error-client-unknown-title = Unknown application
error-client-unknown-detail = The application that sent you is not registered in this establishment (unknown client_id).
error-client-unknown-next = Check that you chose the right establishment, or report it to whoever manages the application.
error-client-disabled-title = Application switched off
error-client-disabled-detail = The establishment switched off signing in to this application.
error-client-disabled-next = Ask the IT service of your establishment.
error-redirect-uri-missing-title = Incomplete sign-in request
error-redirect-uri-missing-detail = The application did not say where to send you back (redirect_uri missing or repeated).
error-redirect-uri-missing-next = Report it to whoever manages the application.
error-redirect-uri-unregistered-title = Return address refused
error-redirect-uri-unregistered-detail = The application asks to send you back to an address that is not registered for it (redirect_uri): you stay here, for safety.
error-redirect-uri-unregistered-next = Go no further if you followed a link from a message. Otherwise report it to whoever manages the application: the address must be registered to the letter.
error-logout-malformed-title = Malformed sign-out request
error-logout-malformed-detail = A parameter is repeated or too long.
error-logout-malformed-next = Report it to whoever manages the application.
error-logout-hint-title = Sign-out request refused
error-logout-hint-detail = The token received (id_token_hint) was not issued here. You are not signed out.
error-logout-hint-next = Sign out from the application, or close your browser.
error-logout-client-title = Sign-out request refused
error-logout-client-detail = The application named is not the one of the token received. You are not signed out.
error-logout-client-next = Report it to whoever manages the application.
error-logout-redirect-uri-title = Return address refused
error-logout-redirect-uri-detail = The return address asked for (post_logout_redirect_uri) is not registered for this application. You are not signed out.
error-logout-redirect-uri-next = Report it to whoever manages the application: the address must be registered to the letter.

## Reviews

review-list-title = Roles to review
review-list-none = No decision waits for you.
review-due = To be decided before { $name }.
review-open = { $count ->
    [0] Everything is decided.
    [one] One decision waits for you.
   *[other] { $count } decisions wait for you.
  }
review-signed-in = You are signed in as { $name }.
review-done = { $count ->
    [one] One decision is recorded.
   *[other] { $count } decisions are recorded.
  }
review-show-all = Show what is decided too
review-show-open = Show only what is still to be decided
review-nothing = There is nothing to decide here.
review-caption = Each row is one role of one person.
review-choose = Choose
review-person = Person
review-role = Role
review-origin = Comes
review-origin-manual = given by hand
review-origin-rule = from a rule
review-origin-default = by default
review-used = Last used
review-used-on = on { $day }
review-used-never = never
review-decision = Decision
review-decision-open = to be decided
review-decision-kept = kept
review-decision-withdrawn = withdrawn
review-all = All rows of this page
review-reason = Reason
review-reason-hint = Needed to withdraw a role. Whoever asks later reads it.
review-keep = Keep what is ticked
review-withdraw = Withdraw what is ticked
review-note = A role that is withdrawn ends at once, and the person is told. What is not decided stays as it is.
review-next = Next page
review-error-title = Nothing was recorded
review-error-choose = Tick at least one row, then keep or withdraw.
review-error-reason = Say why, in at most 500 characters: no role is withdrawn without a reason.
review-error-changed = Something changed since you opened this page. Look at the rows you ticked, then try again.
review-error-own = Nobody decides on their own roles. Untick yours.

## Letters
mail-greeting = Hello { $name },
mail-greeting-plain = Hello,
mail-signature = Automatic message from Passerelle, the way between your directory and your applications.
mail-instant = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
  } { $year } at { $hour }:{ $minute } (UTC)
mail-created-subject = { $name } is open: choose your password
mail-created-body =
    The establishment “{ $name }” is open on Passerelle. The first account that administers it is yours; your user name is “{ $administrator }”.

    Choose your password at this address:

    { $link }

    It works once, until { $until }. Pass it on to nobody: whoever opens it administers the establishment.

    Afterwards you sign in here:

    { $url }

    If the address has expired, or you did not expect this message, tell the team that runs Passerelle.
mail-reset-subject = { $name }: a new password for its administration
mail-reset-body =
    A new password was asked for “{ $administrator }”, who administers the establishment “{ $name }”. You receive this message because you are the establishment’s contact.

    The password is chosen at this address:

    { $link }

    It works once, until { $until }. Whoever opens it administers the establishment: pass it on to that person only.

    Afterwards they sign in here:

    { $url }

    If nobody among you asked for it, tell the team that runs Passerelle.

# A sync is held.
mail-held-subject = { $name }: the sync of “{ $source }” waits for your decision
mail-held-what =
    A sync of the source “{ $source }” of the establishment “{ $name }” is held, and nothing was changed. It read { $read } entries, and would have:

    - disabled { $people ->
        [one] { $people } person
       *[other] { $people } people
      };
    - removed { $groups ->
        [one] { $groups } group
       *[other] { $groups } groups
      };
    - taken away { $memberships ->
        [one] { $memberships } membership
       *[other] { $memberships } memberships
      }.
mail-held-others = - and { $count } more
mail-held-decide =
    If the directory or the filter is wrong, put that right and refuse this sync. If it is meant, approve it: it does what it named, once.

    To see what it would change:

        passerelle source run { $slug } { $run }

    To approve it, or to refuse it:

        passerelle source run { $slug } { $run } --approve
        passerelle source run { $slug } { $run } --refuse

    At the API:

    { $url }

# To someone whose roles changed.
mail-roles-subject = { $name }: your roles have changed
mail-roles-subject-given = { $name }: you have new rights
mail-roles-gained = { $name } gave you:
mail-roles-lost = { $name } took away from you:
mail-roles-role = { $application }: { $role }
mail-roles-role-in = { $application }: { $role } ({ $scope })
mail-roles-until = until { $until }
mail-roles-now = This holds from now on. An application that is already open may ask you to sign in again.
mail-roles-contact = A question, a mistake? Write to { $contact }.
mail-roles-ask = A question, a mistake? Ask the administration of your establishment.

# To whoever is to decide in a review.
mail-review-subject = { $name }: roles to review before { $day }
mail-review-subject-again = { $name }: reminder, roles to review before { $day }
mail-review-body =
    For the review “{ $title }”, say of each person whether they keep the role they have. { $count ->
        [one] One decision waits for you
       *[other] { $count } decisions wait for you
      }, until { $until }.

    Open this page and sign in:

    { $url }

    Nobody decides on their own roles. What is not decided stays as it is, and will be listed as not decided.

# A rule set is held at its time.
mail-rule-set-subject = { $name }: the rule set “{ $title }” waits for your decision
mail-rule-set-what =
    The time of the rule set “{ $title }” of the establishment “{ $name }” has come. It is held, and the rules are as they were. The reason:

        { $why }

    Applied now, it would give { $gained } roles and take away { $lost }.
mail-rule-set-decide =
    To see who would gain and lose what:

        passerelle rule set simulate { $slug } { $set }

    If it is meant, apply it, naming the number of roles that it takes away. If not, cancel it, and prepare it again once it is put right:

        passerelle rule set apply { $slug } { $set } --confirm-losses { $lost }
        passerelle rule set cancel { $slug } { $set }

## Command line

cli-number = number
cli-slug = slug
cli-name = name
cli-uai = UAI
cli-zone = zone
cli-title = title
cli-locality = locality
cli-placement = placement
cli-contact = contact
cli-status = status
cli-created = created
cli-username = user name
cli-email = e-mail
cli-last-sign-in = last sign-in
cli-leaves-on = kept until
cli-skipped = left as they are
cli-source-deleted = The source “{ $name }” is removed.
cli-removal-people = people from the source
cli-stated-elsewhere = stated by another source
cli-kept = kept
cli-without-password = without a password
cli-purged = removed for good
cli-groups-kept = groups kept
cli-groups-removed = groups removed
cli-id = identifier
cli-unit = unit
cli-parent = above
cli-other = of
cli-given-by = given by
cli-line = line
cli-field = field
cli-relation-added = { $user } is { $kind } of { $other } from now on.
cli-relation-ended = { $user } is { $kind } of { $other } no more.
cli-imported-rows = Rows: { $added } added, { $updated } changed, { $unchanged } unchanged, { $refused } refused.
cli-would-import = Nothing is written. Rows: { $added } would be added, { $updated } changed, { $unchanged } unchanged, { $refused } refused.
cli-source = source
cli-unit-added = The unit { $name } is added.
cli-unit-edited = The unit { $name } is changed. With it: { $people } people, { $assignments } roles given by hand.
cli-unit-deleted = The unit { $name } is removed. Handed over: { $units } units, { $people } people, { $assignments } roles given by hand.
cli-unit-rules = Rules speak of the name it had; look whether they still give what they are meant to give: { $rules }
cli-entry = entries
cli-first-administrator = The first administrator, { $name }, chooses a password at this address. It works once, until { $until }, and is shown only now:
cli-first-administrator-mailed = The contact gets a letter at { $email }, with the link by which { $name } chooses a password. It leaves as soon as the gateway is running.
establishment-not-transmitted = This link is sent to nobody: pass it on yourself. It is shown once and cannot be recovered later.
cli-operator-link = The operator { $name } chooses a password at this address. It works once, until { $until }, and is shown only now:
cli-invite-link = { $name } chooses a password at this address. It works once, until { $until }, and is shown only now:
cli-reset-link = { $name } chooses another password at this address. It works once, until { $until }, and is shown only now:
cli-establishment-blocked = { $name } is blocked. Nobody can sign in there; its sessions and tokens have ended.
cli-establishment-unblocked = People of { $name } may sign in again.
cli-delete-without-archive = No last archive of { $slug } is written: --archive FILE does it.
cli-delete-with-archive = A last archive of { $slug } is written first.
cli-delete-confirm = Everyone and everything in { $slug } goes, for good. Type { $slug } to delete it:
cli-establishment-deleted = { $slug } is deleted, with everything there was in it.
cli-receipt-confirmed = confirmed
cli-receipt-waiting = being told
cli-receipt-unreachable = could not be reached
cli-receipt-lives-on = lives on
cli-receipt-later = What applications answer later: passerelle establishment receipt { $slug } { $batch }
cli-reset-mailed = A one-time address by which { $name } chooses another password is on its way to { $address }.
cli-user-disabled = { $name } is disabled. Sessions and tokens have ended.
cli-user-enabled = { $name } may sign in again.
cli-user-deleted = { $name } is removed for good.
cli-kind = kind
cli-enabled = enabled
cli-last-success = up to date
cli-next-run = next run
cli-address = address
cli-step = step
cli-result = result
cli-detail = detail
cli-check-failed = The source cannot be used as it is.
cli-reading = Reading the directory…
cli-started = started
cli-mode = mode
cli-state = state
cli-read = read
cli-created-count = created
cli-updated = updated
cli-moved = moved
cli-disabled = disabled
cli-enabled-again = enabled again
cli-removed = removed
cli-quarantined = quarantined
cli-memberships-added = memberships added
cli-memberships-removed = memberships removed
cli-duration = duration
cli-change = change
cli-more-changes = … and { $count } more: page through them with the admin API.
cli-held = { $why }: passerelle source run { $slug } { $run } --approve, or --refuse
cli-source-edited = The source { $name } is changed.
cli-source-added = The source { $name } is added. Try it with: passerelle source check, then preview, then sync.
cli-establishment = establishment
cli-people = people
cli-groups = groups
cli-run = run
cli-no-establishment = (none)
cli-unplaced = Names no establishment: { $value } – { $people } people ({ $names })
cli-held-there = Held in: { $establishments }. Look at each run, then approve with: passerelle source run EST RUN --approve
cli-pass-failed = The directory could not be sorted into establishments.
cli-scope = scope
cli-last-used = last used
cli-expires = until
cli-feed-added = The feed { $name } is added. Give your identity provider this address: { $url }
    and a token: passerelle token create { $est } NAME --kind scim --source { $name }
cli-held-reason = why
cli-held-operation = asked
cli-held-times = times
cli-held-last = last
cli-held-decided = { $count ->
    [one] One request is decided: it is done, or refused, when the feed asks again.
   *[other] { $count } requests are decided: they are done, or refused, when the feed asks again.
}
cli-token-created = The token { $name } is shown only now:
cli-token-revoked = The token has ended.
cli-application = application
cli-application-added = The application { $name } is added, with { $roles } roles.
cli-cardinality = cardinality
cli-default-role = default role
cli-roles = roles
cli-role = role
cli-when = when
cli-dialect = dialect
cli-method = method
cli-failing = refused because
cli-user = person
cli-alike = alike in
cli-proposed-entry = entry
cli-origin = origin
cli-client = client
cli-client-created = The client { $id } is registered. Its issuer is { $issuer }.
cli-client-secret = Its secret is shown only now:
cli-client-deleted = The client is removed, with everything it was granted.
cli-rule-added = The rule { $id } is added, and everyone’s roles are recomputed.
cli-rule-deleted = The rule is removed, with what it gave.
cli-reason = reason
cli-exclusion-ended = The exclusion { $id } has ended: rules give again what they give.
cli-review-decided = decided
cli-review-open = open
cli-review-decision = decision
cli-roles-gained = roles gained
cli-roles-lost = roles lost
cli-losers = Roles that gave way, as the application allows one:
cli-lost-by-order = { $winner } stands before it in the catalogue ({ $winner_rank } before { $rank })
cli-lost-by-priority = the rule that gives { $winner } is stronger
cli-lost-by-scope = { $winner } comes first
cli-miss-captures = captures of its conditions do not agree, or one that is wanted is empty
cli-miss-person = the person is not active; seen: { $value }
cli-miss-not-yet = the rule counts from { $value } on
cli-miss-no-longer = the rule counted until { $value }
cli-miss-unknown = the catalogue does not know the role { $value }
cli-miss-scope = the catalogue does not have the role hold there; seen: { $value }
cli-miss-rule = a stronger rule gives { $value }
cli-miss-role = a stronger role is held than { $value }
cli-miss-excluded = the person is excluded from the role { $value }
cli-told-client = What { $client } would get now:
cli-refused-client = Nothing: the client is disabled.
cli-refused-person = Nothing: the person is not active.
cli-refused-role = Nothing: the application wants a role, and this person has none that counts.
cli-no-roles-scope = It may not ask for the scope “roles”: only its claim shape can give it roles.
cli-simulated = gained: { $gained }; lost: { $lost }; unchanged: { $unchanged }
cli-rules-applied = The rules stand now. Rules: { $added } new, { $removed } gone, { $kept } as before. Roles: { $gained } given, { $lost } taken away.
cli-rules-rolled-back = The rules from before stand again. Rules: { $added } new, { $removed } gone, { $kept } as before. Roles: { $gained } given, { $lost } taken away.
cli-rule-set-added = The rule set { $name } is prepared. Try it with: passerelle rule set simulate
cli-rule-set-scheduled = The rule set { $name } is applied from { $at } on.
cli-rule-set-cancelled = The rule set { $name } is not applied.
cli-rule-set-deleted = The rule set { $name } is removed.
cli-apply-at = applied from
cli-no-role = No role.
cli-does-not-count = does not count now
cli-nearest-misses = Rules that gave nothing, the nearest first:
cli-miss = { $condition }; seen: { $value }
cli-first-operator = No operator exists yet. Make the first one in another terminal: { $command }
cli-place = place
cli-check-wrong = things that are wrong: { $count }; see the lines marked ✗.
cli-recipient = recipient
cli-topic = about
cli-attempts = attempts
cli-due = due
cli-outbox-retried = It is sent to { $recipient } again.

cli-file-there = { $file } is there already: choose another file, or overwrite it with --force
cli-exported = { $name } is written to { $file }: { $rows } rows. Keep what opens it elsewhere than the file.
cli-imported = { $name } is here, with { $rows } rows.
cli-restore-confirm = Everyone and everything in { $slug } is replaced by what the archive holds. Type { $slug } to put it back:
cli-restored = { $name } is as it was on { $at }: { $rows } rows. Everyone signs in again.
cli-rehearsed = The archive is whole: everything came back the same. Nothing was changed.
cli-rehearsal-failed = what came back is not what the archive holds: do not rely on this archive
cli-table = table
cli-archived = in the archive
cli-put-back = put back
cli-same = the same
cli-different = different
cli-notice-number = The number { $number } is another establishment's: this one has a new number.
cli-notice-uai = The UAI { $uai } belongs to another establishment: this one has none now.
cli-notice-zone = The zone { $zone } is not on this platform's list: this establishment has none now.
cli-notice-tokens = { $count } API tokens were left out: they are the original's. Make new ones.
cli-passphrase = Passphrase:
cli-passphrase-again = The same passphrase again:
cli-passphrases-differ = the two passphrases are not the same
cli-no-passphrase = give the passphrase in the variable PASSERELLE_PASSPHRASE, or run the command at a terminal
cli-moved-to = { $name } lies in { $place } now: { $rows } rows were copied.

check-said = { $said }
check-room = { $free } MiB free in { $folder }
check-room-little = only { $free } MiB free in { $folder }: make room, { $least } MiB at least, before nothing can be written
check-room-unknown = the room in { $folder } cannot be told: { $said }
check-files = { $allowed } open files are allowed, about { $needed } may be wanted
check-files-few = { $allowed } open files are allowed and about { $needed } may be wanted: raise LimitNOFILE= of the service (ulimit -n), or lower limits.open_establishments_max and limits.connections_max
check-database = PostgreSQL { $version }, { $encoding }, database { $name } as { $login }
check-standby = this server is a standby and can only be read: name the primary server in store.url
check-temporary = everyone may make temporary tables in this database, and fill its disk: run { $sql }
check-clock = this machine’s clock and the server’s are { $apart } s apart
check-clock-apart = this machine’s clock and the server’s are { $apart } s apart, more than { $most } s: have both set by NTP
check-clock-node = another node’s clock is { $ahead } s ahead of this machine’s: have every machine’s clock set by NTP
check-connections = the server lets in { $most } connections and a node opens { $own } at most: room for { $nodes } nodes
check-connections-few = the server lets in { $most } connections and a node opens { $own } at most: raise max_connections there, or lower store.connections_max
check-mail-none = not configured: one-time links are shown to whoever makes them; set mail.host and mail.from to send them
check-jobs = jobs listed: { $count }, none is late
check-jobs-late = jobs listed: { $count }, of which { $late } more than { $minutes } minutes late: does a gateway serve (`passerelle serve`)? If one does, its log tells why they fail
check-archives = no archive is older than { $hours } hours
check-archives-late = establishments without an archive of the last { $hours } hours: { $count } ({ $named }): look for the reason in the log of the gateway that serves, and for room in { $folder }
check-stranger = the store { $name } belongs to no establishment of this installation: if it is not another installation’s, remove it
check-stranger-aside = { $name } was found when an establishment of that slug was made, and put aside: look whether someone misses it, then remove it
check-stranger-moved = { $name } is left of a move that was broken off: run `passerelle establishment move { $slug } --to { $to }`
check-stranger-scratch = { $name } is left of a rehearsal that was broken off: remove it
check-stranger-role = the SQL role { $name } owns nothing any more: run { $sql }
check-keys = signing keys: { $count }; they open with the master key
check-source-late = nothing was taken over since { $since }: `passerelle source runs` tells why, or whether a program serves at all
check-source-paused = left alone until { $until } after { $failures } failures in a row: `passerelle source show` tells why
check-outbox = messages given up: { $count }; `passerelle establishment outbox { $slug } --state dead` tells why
check-looked = establishments looked into: { $looked } of { $count }
check-versions = every store is at version { $version }
check-versions-behind = stores not known to be at version { $version } yet: { $count }; each is brought up when it is first opened, and all of them by a gateway that serves
cli-bulk-done = done
cli-bulk-failed = failed
cli-bulk-some-failed = { $failed } of { $total } establishments failed: the table says why. The others are done.
cli-bulk-receipt = receipt: passerelle establishment receipt { $slug } { $batch }
cli-bulk-delete-confirm = { $count } establishments will be deleted for good, with everything in them. Type “{ $word }” to confirm:
cli-several-into = one establishment alone goes into a file: for several, name a folder with --into (export) or --archive-into (delete)
cli-people-active = active
cli-people-pending = invited
cli-people-disabled = disabled
cli-signed-in = signed in (30 d)
cli-sessions = sessions
cli-size-kb = size (kB)
cli-last-sync = last sync
cli-sum = sum

# Roles of the gateway.
role-operator = Operator of the platform
role-administrator = Administrator
role-auditor = Auditor
role-unit-administrator = Unit administrator
role-help-desk = Help desk
role-responsible = Responsible for an application

## What is remarkable about rules

lint-broken = It does not fit any more and gives nothing: { $why }
lint-role = The role “{ $role }” is not in the catalogue: it gives nothing.
lint-disabled = It is switched off.
lint-waiting = It gives nothing before { $at }.
lint-ended = It has given nothing since { $at }. Take its end away, or remove it.
lint-ended-yearly = It has given nothing since { $at }, its day of the year. Any change renews it for a year.
lint-shadowed = Another rule gives the same to everyone it matches, and stands before it: { $rule }
lint-overlapping = Another rule says the same while it counts: { $rule }
lint-no-group = No group matches “{ $pattern }”.
lint-no-group-of = No group of the source “{ $name }” matches “{ $pattern }”.
lint-no-member = Groups match “{ $pattern }”, and nobody who is active is in them.
lint-no-attribute = Nobody has an attribute “{ $name }”: look at the source’s mapping.
lint-no-value = Nobody’s “{ $name }” matches “{ $pattern }”.
lint-no-unit = Nobody is in a unit that matches “{ $pattern }”.
lint-no-source = There is no source “{ $name }”.
lint-nobody-from-source = Nobody comes from the source “{ $name }”.
lint-unnamed-source = It gives a role of the gateway by the groups of any source: name theirs (“{ $own }” for the establishment’s own).
lint-nobody = It gives nobody anything today.
lint-capture = Nothing uses what “{ $name }” takes: write (?:…) for brackets without a name.
cli-remark = remark
cli-rule = rule
cli-rule-open = counts
cli-rule-disabled = off
cli-rule-waiting = from { $at }
cli-rule-until = until { $at }
cli-rule-ended = ended { $at }
cli-rules-fine = There is nothing to remark about these rules.

# To administrators, when an application is not written to any more.
mail-provisioning-subject = { $name }: “{ $application }” waits for your decision
mail-provisioning-denied =
    The application “{ $application }” of the establishment “{ $name }” does not let the gateway write accounts any more. Nothing is written there until you see to it. It says:

    { $why }

    Put right what is wrong there, or give another secret. Then check, which also goes on:

        passerelle application provisioning check { $slug } { $application }
mail-provisioning-held =
    In the application “{ $application }” of the establishment “{ $name }”, { $count } of { $of } accounts and groups would be deactivated or deleted, and too many were in a day. They stay as they are until you decide; everything else goes on.

    If a rule, a source or the catalogue is wrong, put that right: whoever has their role again stays. If it is meant, see who it is and approve it; your word holds for a day:

        passerelle application provisioning queue { $slug } { $application } --state held
        passerelle application provisioning approve { $slug } { $application } --rows { $count }

cli-act = action
cli-difference = difference
cli-provisioning-set = People of { $name } are written to { $url } from now on, by the running gateway.
cli-provisioning-dry = { $name } is set up as a dry run: nothing is written to { $url }, and `application provisioning queue` tells what would be.
cli-provisioning-stands = { $name } is written to already. Change it with `passerelle application provisioning edit { $slug } { $name } '{"{"}"…": …{"}"}'`, its secret with `edit { $slug } { $name } --secret-file FILE`, or `delete` it first.
cli-provisioning-deleted = Nothing is written to { $name } any more. What is there stays.
cli-provisioning-asked = The running gateway compares everything there; `application provisioning show` and `drift` tell what it found.
cli-provisioning-approved = Approved: { $count } are deactivated or deleted there.
cli-provisioning-retried = Tried anew: { $count }.
cli-provisioning-check-failed = The service cannot be written to as it is.
