#!/usr/bin/env bash
# Run the release before the current one again. The database stays as it is.
#
#   deploy/rollback.sh                 refuses if the current release has changed the schema of the database
#   deploy/rollback.sh --keep-schema   runs the previous release on the new schema
#   deploy/rollback.sh --undo          undoes the migrations first; what the new columns contain is lost
#
# A second call runs the newer release again.
set -euo pipefail

SOURCE="$(cd "$(dirname "$(readlink -e "${BASH_SOURCE[0]}")")/.." && pwd)"
# shellcheck source=lib/common.sh
. "$SOURCE/deploy/lib/common.sh"
# shellcheck source=lib/settings.sh
. "$SOURCE/deploy/lib/settings.sh"
# shellcheck source=lib/release.sh
. "$SOURCE/deploy/lib/release.sh"
# shellcheck source=lib/services.sh
. "$SOURCE/deploy/lib/services.sh"
DOMAIN="" EMAIL="" PROXY="" SCHEMA=""
while (($#)); do
    case "$1" in
        --keep-schema) SCHEMA=keep ;;
        --undo) SCHEMA=undo ;;
        --root) ROOT="$(realpath -m "${2:?--root needs a folder}")" && shift ;;
        *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" && exit 2 ;;
    esac
    shift
done

set_paths
[[ -n "$ROOT" || "$EUID" == 0 ]] || die "Run it as root: sudo deploy/rollback.sh"
read_choices
check_choices
exec 9<"$CRM_HOME"
flock -n 9 || die "install.sh is running."
current="$(current_release current)"
previous="$(current_release previous)"
[[ -n "$previous" && "$previous" != "$current" ]] || die "There is no previous release."

# plan RELEASE PATTERN: print the migrations of a release whose line begins with the pattern, such as orders.0001_initial.
plan() { manage "$1" showmigrations --plan | sed -n "s/^$2  \([^ ]*\).*/\1/p" | sort; }

unknown="$(comm -23 <(plan "$current" '\[X\]') <(plan "$previous" '\[.\]'))"
if [[ -n "$unknown" && -z "$SCHEMA" ]]; then
    say "The previous release does not know these migrations of the database:"
    printf '%s\n' "$unknown" | sed 's/^/  /'
    say "Migrations of the CRM only add to the schema, so it can run all the same: rollback.sh --keep-schema"
    say "To undo them and lose what the new columns contain: rollback.sh --undo"
    exit 1
fi
if [[ -n "$unknown" && "$SCHEMA" == undo ]]; then
    for app in $(printf '%s\n' "$unknown" | cut -d. -f1 | sort -u); do
        last="$(plan "$previous" '\[X\]' | sed -n "s/^$app\.//p" | tail -n1)"
        manage "$current" migrate -v0 --noinput "$app" "${last:-zero}"
        say "- $app is at ${last:-zero}"
    done
fi
switch_to "$previous"
say "The CRM runs from $previous. To run $current again: rollback.sh"
