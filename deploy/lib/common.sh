# shellcheck shell=bash
# Paths and helpers of the installer. ROOT is empty, or the folder of --root.

CRM_USER="${CRM_USER:-cvety-crm}"
CRM_PORT="${CRM_PORT:-8001}"
TUNNEL_PORT="${TUNNEL_PORT:-8080}"
HTTP_PORT="${HTTP_PORT:-80}"
HTTPS_PORT="${HTTPS_PORT:-443}"
ROOT="${ROOT:-}"

# What an installation consists of. The Dockerfile copies the same, without `deploy`.
CONTENT=(bitrix_bridge cvety_crm deploy locale notifications orders static templates
    manage.py requirements.lock .env.example)

CHANGED=""

set_paths() {
    CRM_HOME="$ROOT/opt/cvety-crm"
    CRM_ETC="$ROOT/etc/cvety-crm"
    CRM_DATA="$ROOT/var/lib/cvety-crm"
    CRM_CACHE="$ROOT/var/cache/cvety-crm"
    ACME_FOLDER="$ROOT/var/lib/cvety-crm-acme"
    UNITS="$ROOT/etc/systemd/system"
    NGINX="$ROOT/etc/nginx"
    ENV_FILE="$CRM_ETC/env"
}

say() { printf '%s\n' "$*"; }

did() {
    CHANGED=yes
    say "- $*"
}

warn() { printf 'Warning: %s\n' "$*" >&2; }

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Run a command as another user. The user of the CRM may be the current one.
as_user() {
    local user="$1"
    shift
    if [[ "$(id -un)" == "$user" ]]; then
        "$@"
    else
        runuser -u "$user" -- "$@"
    fi
}

# manage RELEASE COMMAND…: run manage.py of a release with the settings of this installation.
manage() {
    local release="$1"
    shift
    (cd "$release" && as_user "$CRM_USER" env ENV_FILE="$ENV_FILE" .venv/bin/python manage.py "$@")
}

# ensure_folder PATH OWNER GROUP MODE
ensure_folder() {
    if [[ "$(stat -c '%U:%G:%a' "$1" 2>/dev/null)" != "$2:$3:$4" ]]; then
        install -d -o "$2" -g "$3" -m "$4" "$1"
        did "folder $1"
    fi
}

# write_file PATH MODE: write standard input to a file. Return 1 if the file had this content already.
write_file() {
    local text
    text="$(cat; printf x)"
    text="${text%x}"
    if [[ -f "$1" ]] && printf '%s' "$text" | cmp -s - "$1"; then
        return 1
    fi
    mkdir -p "$(dirname "$1")"
    printf '%s' "$text" >"$1.new"
    chmod "$2" "$1.new"
    mv "$1.new" "$1"
    did "file $1"
}

# Print a template with the values of this installation.
render() {
    local for_machine=(-e '/@HTTP2_ON@/d' -e 's/@HTTP2_LISTEN@/ http2/')
    if has_http2_directive; then for_machine=(-e 's/@HTTP2_ON@/http2 on;/' -e 's/@HTTP2_LISTEN@//'); fi
    [[ -e /proc/net/if_inet6 ]] || for_machine+=(-e '/\[::\]/d')
    sed -e "s|@ROOT@|$ROOT|g" -e "s|@USER@|$CRM_USER|g" -e "s|@DOMAIN@|$DOMAIN|g" -e "s|@PORT@|$CRM_PORT|g" \
        -e "s|@HTTP_PORT@|$HTTP_PORT|g" -e "s|@HTTPS_PORT@|$HTTPS_PORT|g" -e "s|@TUNNEL_PORT@|$TUNNEL_PORT|g" \
        "${for_machine[@]}" "$1"
}

# nginx 1.25.1 has a directive for HTTP/2, and warns about the option of `listen` that earlier versions need.
has_http2_directive() {
    local version
    version="$(nginx -v 2>&1 | sed 's|.*/\([0-9.]*\).*|\1|')"
    printf '1.25.1\n%s\n' "$version" | sort -V -C
}

random_token() { head -c "$1" /dev/urandom | base64 -w0 | tr '+/' '-_' | tr -d '='; }

# setting NAME: print a setting of the CRM. Like the CRM, use the first line with the name.
setting() { sed -n "s/^$1=//p" "$ENV_FILE" | head -n1; }
