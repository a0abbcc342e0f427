# English texts of the demo. The same keys exist in French, in fr.ftl.

## Every page of the sample application
demo-product = Sample application
demo-nav = Pages
demo-nav-home = Start
demo-nav-me = My roles
demo-nav-directory = The directory
demo-nav-mail = The mail
demo-footer = A relying party like any other: it knows the gateway by OpenID Connect and by its admin API alone. Everyone here is fictitious.

## Start
demo-index-title = Choose an establishment and sign in
demo-index-lead = You will sign in at the gateway, with a password that the establishment’s directory checks. Then this application shows what it learned about you, and why.
demo-index-signed-in = You are signed in as { $name }.
demo-index-directory = Then move a teacher to another group, and see the role change:
demo-index-gateway = The gateway:
demo-index-api = its admin API
demo-sign-in = Sign in
demo-who-to-be = Who to be
demo-teacher = Teacher
demo-administrator = Administrator
demo-pupil = Pupil
demo-anyone = Someone of your directory

## Signed in
demo-hello = Hello, { $name }
demo-sign-out = Sign out
demo-refresh = Refresh roles
demo-refreshed = UserInfo was read again just now. The ID token below is still the one of your sign-in.
demo-roles-title = Your roles in { $name }
demo-roles-none = You have no role in this application.
demo-assignments = The same, role and place apart
demo-role = Role
demo-scope = Where
demo-until = Until
demo-everywhere = everywhere
demo-no-end = no end
demo-why-title = Why
demo-why-nothing = No rule gives you a role here.
demo-why-unknown = The gateway could not explain it:
demo-change-group = Move to another group in the directory
demo-elsewhere = Your roles in other applications
demo-missed = Roles you do not have, and what is missing
demo-missed-condition = What does not hold
demo-missed-value = Closest value
demo-step-entry = directory entry
demo-step-group = group
demo-step-rule = rule
demo-step-capture = captured
demo-step-role = role
demo-step-claim = claim
demo-groups-title = Your groups, nested ones included
demo-token-title = The ID token
demo-token-lead = Its signature was checked with the key the establishment publishes, its issuer, audience, times and nonce too.
demo-token-header = Header
demo-token-claims = Claims
demo-token-raw = As it came
demo-user-info = UserInfo

## Signed out
demo-signed-out-title = You are signed out
demo-signed-out-lead = Your session here and your session at the gateway have ended.
demo-again = Sign in again

## What went wrong
demo-said = In the protocol’s own words:
demo-try-again = Try again
demo-denied-title = You said no
demo-denied-detail = You did not allow this application to know who you are, so it knows nothing. You may change your mind.
demo-refused-title = The gateway refused
demo-refused-detail = The sign-in was refused. Try again; if it stays so, the words below tell an administrator why.
demo-unreachable-title = The gateway does not answer
demo-unreachable-detail = Its description could not be read. Is it running? Try again in a moment.
demo-broken-title = The sign-in did not end well
demo-broken-detail = What the gateway answered could not be used, so nobody was signed in. Try again.
demo-state-title = This answer is not expected
demo-state-detail = It does not belong to a sign-in begun in this browser, or it was used already. Begin again.
demo-stale-title = This page is too old
demo-stale-detail = The form belongs to an earlier visit. Open the page again and repeat what you wanted to do.
demo-missing-title = There is no such page
demo-missing-detail = The address is wrong, or the establishment is not part of this demo.
demo-directory-refused = That did not work

## The directory
demo-directory-title = The demo’s directory
demo-directory-lead = Here you are the directory’s administrator: a real LDAP server behind this page changes at once, and the gateway learns of it at the next sync.
demo-moved = Moved in the directory. The gateway does not know yet: sync now.
demo-people = People
demo-search = Name or user name
demo-search-button = Search
demo-nobody = Nobody has such a name here.
demo-nobody-chosen = Nobody chosen
demo-choose-someone = Choose someone to see their groups.
demo-no-groups = This person is in no group.
demo-from = Leave the group
demo-to = Join the group
demo-move = Move
demo-sync-title = Have the gateway read the directory
demo-sync-lead = The gateway reads its source “{ $name }” whole, compares, and applies what differs.
demo-sync = Sync now
demo-run-done = The sync is done
demo-run-state = The sync ended: { $name }
demo-run-read = read
demo-run-created = new
demo-run-updated = changed
demo-run-disabled = disabled
demo-run-memberships-added = memberships added
demo-run-memberships-removed = memberships removed
demo-run-took = It took { $count } ms.
demo-run-nothing = Nothing had changed.
demo-change-created = New:
demo-change-updated = Changed:
demo-change-moved = Moved:
demo-change-disabled = Disabled:
demo-change-enabled = Enabled again:
demo-change-removed = Removed:
demo-change-quarantined = Set aside:
demo-change-members-added = Joined
demo-change-members-removed = Left
demo-see-role = See my roles now
demo-see-role-sign-in = Sign in to see the role

## The mail
demo-mail-title = The demo’s mail
demo-mail-lead = Every letter that the gateway sends arrives here, and goes no further. The newest is on top.
demo-mail-none = No letter has left yet. Create an establishment whose contact has an address, and its letter will appear here.
demo-mail-to = To
demo-mail-date = written on
demo-mail-no-subject = (no subject)
demo-mail-refresh = Refresh

## In the terminal
demo-ready = Passerelle is ready: { $count ->
    [one] one establishment
   *[other] { $count } establishments
  }, { $people } people, a directory, an application.
demo-open = Open
demo-open-sample = the sample application: sign in, see your roles and why
demo-open-directory = the directory: move a teacher, sync, see the role change
demo-open-mail = the mail that the gateway sends
demo-open-gateway = the gateway
demo-open-api = its admin API, to try
demo-be = Sign in as
demo-operator = operator of the platform
demo-kept = Everything is kept in { $name }.
demo-forgotten = Everything lives in a temporary folder and goes when you stop.
demo-stop = Ctrl-C stops.
demo-stopping = Stopping…
