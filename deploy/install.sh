#!/usr/bin/env bash
# Install the CRM on Debian 12 or 13, or Ubuntu 22.04 or 24.04, or upgrade it to the version beside this script.
#
#   deploy/install.sh --domain crm.example.kz --email owner@example.kz   HTTPS with a certificate of Let's Encrypt
#   deploy/install.sh --domain crm.example.kz --behind-tunnel            behind a Cloudflare Tunnel
#   deploy/install.sh                                                    again: upgrade, with the same choices
#
# --database-url URL   the CRM's PostgreSQL; better in the environment, as DATABASE_URL. Without it, one is installed.
# --root DIR           write below DIR, for tests
#
# It asks nothing, and can be repeated: a second run changes nothing. deploy/rollback.sh is the way back.
set -euo pipefail

DOMAIN="${DOMAIN:-}" EMAIL="${EMAIL:-}" PROXY="${PROXY:-}" DATABASE_URL="${DATABASE_URL:-}"
SOURCE="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
RESTART=""
# shellcheck source=lib/common.sh
. "$SOURCE/deploy/lib/common.sh"
# shellcheck source=lib/packages.sh
. "$SOURCE/deploy/lib/packages.sh"
# shellcheck source=lib/settings.sh
. "$SOURCE/deploy/lib/settings.sh"
# shellcheck source=lib/release.sh
. "$SOURCE/deploy/lib/release.sh"
# shellcheck source=lib/services.sh
. "$SOURCE/deploy/lib/services.sh"

usage() {
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit "$1"
}

while (($#)); do
    case "$1" in
        --domain) DOMAIN="${2:?--domain needs a host name}" && shift ;;
        --email) EMAIL="${2:?--email needs an address}" && shift ;;
        --database-url) DATABASE_URL="${2:?--database-url needs a URL}" && shift ;;
        --behind-tunnel) PROXY=tunnel ;;
        --root) ROOT="$(realpath -m "${2:?--root needs a folder}")" && shift ;;
        -h | --help) usage 0 ;;
        *) usage 2 >&2 ;;
    esac
    shift
done

set_paths
[[ -n "$ROOT" || "$EUID" == 0 ]] || die "Run it as root: sudo deploy/install.sh"
read_choices
check_choices
mkdir -p "$CRM_HOME"
exec 9<"$CRM_HOME"
flock -n 9 || die "Another install.sh is running."

install_packages
create_user_and_folders
write_choices
create_database
write_settings
# From here on the settings file counts, not the environment of this script.
export -n DATABASE_URL
build_release
migrate_database
install_units
install_manage_command
ensure_certificate
if [[ "$(current_release current)" != "$RELEASE" || -n "$RESTART" ]]; then
    switch_to "$RELEASE"
    did "the CRM runs from $RELEASE"
fi
install_nginx
request_certificate
delete_old_releases

if [[ "$(manage "$RELEASE" shell -v0 -c 'from cvety_crm.users import User; print(User.objects.filter(is_superuser=True).count())')" == 0 ]]; then
    password="$(random_token 12)"
    DJANGO_SUPERUSER_PASSWORD="$password" manage "$RELEASE" createsuperuser --noinput -v0 --username owner --email ""
    did "account owner with the password $password (it is not shown again)"
fi

if [[ -z "$CHANGED" ]]; then
    say "Nothing to change."
else
    say "The CRM is at https://$DOMAIN. What is still to set up: https://$DOMAIN/crm/status/ and docs/production.md"
    say "The tokens for the site are in $ENV_FILE."
fi
