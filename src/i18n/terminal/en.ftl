## What `passerelle check` tells of what is pushed

check-feed = last request { $at }; it states { $people } people and { $groups } groups
check-feed-silent = no request since { $at }, and it states { $people } people and { $groups } groups: look whether provisioning is switched on at the identity provider, and whether its token still lives
check-feed-never = no request has come yet: give the identity provider the address { $url } and a token (`passerelle token create { $slug } NAME --kind scim --source { $name }`)
check-feed-held = requests that wait for a person: { $count }; `passerelle source held { $slug } { $name }` lists them
check-provisioning = last written { $written }; waiting: { $waiting }
check-provisioning-paused = paused, and nothing is written: { $why }. Waiting: { $waiting }. Once it is put right: `passerelle application provisioning check { $slug } { $name }`
check-provisioning-resting = left alone until { $until } after { $failures } failures in a row; waiting: { $waiting }
check-provisioning-held = held until a person approves: { $count }; `passerelle application provisioning queue { $slug } { $name } --state held` lists them
check-provisioning-failing = not taken: { $count }; `passerelle application provisioning queue { $slug } { $name }` tells why, `retry` tries them anew

## Tokens

cli-token-opens = opens
cli-token-acts-as = acts as
cli-token-feed = SCIM, for the feed { $name }
cli-token-api = the admin API
cli-for-ever = for ever
cli-token-default-role = No --scope was given: it acts as { $role }, the strongest role there is here.
cli-token-for-ever = It does not expire by itself: --days N has it end.

## Sources

cli-source-delete-which = { $people } people and { $groups } groups came from “{ $name }”: say what becomes of them with --people keep, disable or purge (--dry-run counts only), or turn the source off instead: passerelle source enable { $slug } { $name } --off
cli-source-disable-ask = { $count } people who came from “{ $name }” will be disabled, their sessions end, and the source is removed. Type { $word } to do it:
cli-source-purge-ask = { $count } people who came from “{ $name }” will be removed for good, and the source with them. Type { $word } to do it:
cli-source-unconfirmed = { $count } people who came from “{ $name }” would be disabled: say --yes to do it, or --dry-run to count only
cli-source-not-meant = nothing was done: “{ $word }” was not typed
cli-source-is-on = The source { $name } is on.
cli-source-is-off = The source { $name } is off: no runs, no sign-ins and no requests through it.
cli-last-request = last request
cli-pushed-kind = { $kind }, pushed to us
cli-pulled-kind = { $kind }, read
cli-pushed-address = pushed to us
cli-schedule = schedule
cli-settings = settings
cli-guard = guard
cli-matching = matching
cli-leaving = who leaves
cli-secret = secret
cli-waiting-requests = requests that wait
cli-error = error
cli-failures = failures in a row
cli-updated-at = changed

## Requests that feeds sent, what waits, proposals

cli-held-approve = Let one pass when the feed asks again, or refuse it: passerelle source held { $slug } { $name } --approve ID | --approve-all | --refuse ID
cli-no-feed = “{ $name }” is read, and not pushed into: no requests of it are kept and none wait. Its runs: passerelle source runs { $slug } { $name }
cli-no-id = an identifier looks like 01890a5d-ac96-774b-bcce-b302099a8057: take it from the first column of the list
cli-request-body = What it brought:
cli-request-answer = What was answered:
cli-request-changes = What it changed:
cli-replay-changes = What it would change:
cli-replay-resource = The resource as it would be:
cli-nothing = (nothing)
cli-proposal-accepted = The entry is { $user }’s from now on: what it states counts, and what was entered by hand and it does not state (an address, units) goes.
cli-proposal-accepted-feed = The entry is { $user }: it is joined when the feed asks again, and counts from then: what was entered by hand and the feed does not state (an address, units) goes.
cli-proposal-rejected = The entry is not { $user }: someone new is made of it next time.
cli-decided-by = decided by

## Roles, groups, applications

cli-assignment-added = { $user } holds { $role } of { $application } from now on.
cli-assignment-ended = { $user } holds { $role } of { $application } no more by hand; rules may still give it.
cli-assignment-edited = The role { $role } of { $user } is changed.
cli-members = members
cli-group = group
cli-external-id = its identity provider’s identifier
cli-application-edited = The application { $name } is changed.
cli-provisioning-edited = What is written to { $name } is changed.
cli-provisioned-people = accounts there
cli-provisioned-groups = groups there
cli-url = address
cli-dry-run = dry run
cli-paused = paused
cli-rest-until = left alone until
cli-last-written = last written
cli-compared = last compared
cli-report = { $at }: { $missing } missing, { $unknown } unknown, { $differs } different

## Words that tables show

word-missing = missing
word-unknown = unknown
word-differs = differs
word-marked = to be looked at
word-waiting = waiting
word-held = held
word-done = done
word-failed = failed
word-given-up = given up
word-create = create
word-update = update
word-deactivate = deactivate
word-delete = delete
word-rename = rename
word-remove-members = remove members
word-user = user
word-group = group
word-guard = guard
word-taken = name taken
word-asked = who is it?
word-open = open
word-approved = approved
word-refused = refused
word-accepted = accepted
word-rejected = rejected
word-active = active
word-pending = pending
word-disabled = disabled
word-rule = rule
word-manual = by hand
word-yes = yes
word-no = no
