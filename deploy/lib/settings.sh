# shellcheck shell=bash
# The user, the folders, the database and the settings file of the CRM.

# The choices of the first run, which the next runs repeat. They contain no secret.
read_choices() {
    local file="$CRM_ETC/install.conf"
    [[ -e "$file" ]] || return 0
    DOMAIN="${DOMAIN:-$(sed -n 's/^DOMAIN=//p' "$file")}"
    EMAIL="${EMAIL:-$(sed -n 's/^EMAIL=//p' "$file")}"
    PROXY="${PROXY:-$(sed -n 's/^PROXY=//p' "$file")}"
}

check_choices() {
    PROXY="${PROXY:-tls}"
    [[ -n "$DOMAIN" ]] || die "Say under which name the CRM is reached: install.sh --domain crm.example.kz"
    [[ "$DOMAIN" =~ ^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$ ]] || die "This is no host name: $DOMAIN"
}

write_choices() {
    write_file "$CRM_ETC/install.conf" 0644 <<<"DOMAIN=$DOMAIN"$'\n'"EMAIL=$EMAIL"$'\n'"PROXY=$PROXY" || true
}

create_user_and_folders() {
    if ! getent passwd "$CRM_USER" >/dev/null; then
        useradd --system --user-group --home-dir /var/lib/cvety-crm --no-create-home --shell /usr/sbin/nologin "$CRM_USER"
        did "user $CRM_USER"
    fi
    local group root_group
    group="$(id -gn "$CRM_USER")"
    root_group="$(id -gn)"
    ensure_folder "$CRM_HOME" "$(id -un)" "$root_group" 755
    ensure_folder "$CRM_HOME/releases" "$(id -un)" "$root_group" 755
    ensure_folder "$CRM_HOME/venvs" "$(id -un)" "$root_group" 755
    ensure_folder "$CRM_ETC" "$(id -un)" "$group" 750
    ensure_folder "$CRM_DATA" "$CRM_USER" "$group" 750
    ensure_folder "$CRM_CACHE" "$CRM_USER" "$group" 750
    ensure_folder "$ACME_FOLDER" "$(id -un)" "$root_group" 755
}

# Create a database on this machine, which the user of the CRM reaches without a password, and set DATABASE_URL.
create_database() {
    [[ -z "$DATABASE_URL" && ! -e "$ENV_FILE" ]] || return 0
    local port folder
    systemctl start postgresql
    wait_for_postgresql
    if [[ -z "$(psql_admin "SELECT 1 FROM pg_roles WHERE rolname = '$CRM_USER'")" ]]; then
        psql_admin "CREATE ROLE \"$CRM_USER\" LOGIN"
        did "database role $CRM_USER"
    fi
    if [[ -z "$(psql_admin "SELECT 1 FROM pg_database WHERE datname = 'cvety_crm'")" ]]; then
        # A bare machine has the locale C, in which PostgreSQL would know no Russian capital letters.
        psql_admin "CREATE DATABASE cvety_crm OWNER \"$CRM_USER\" TEMPLATE template0 ENCODING 'UTF8'
            LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"
        did "database cvety_crm"
    fi
    port="$(psql_admin 'SHOW port')"
    folder="$(psql_admin 'SHOW unix_socket_directories')"
    folder="${folder%%,*}"
    DATABASE_URL="postgres://$CRM_USER@:$port/${folder//\//%2F}/cvety_crm"
}

psql_admin() { (cd / && as_user postgres psql -X -A -t -q -v ON_ERROR_STOP=1 -d postgres -c "$1"); }

wait_for_postgresql() {
    local _second
    for _second in {1..30}; do
        psql_admin 'SELECT 1' >/dev/null 2>&1 && return 0
        sleep 1
    done
    psql_admin 'SELECT 1' >/dev/null
}

# The settings file is written once, and belongs to the administrator afterwards.
write_settings() {
    if [[ -e "$ENV_FILE" ]]; then
        if [[ -n "$DATABASE_URL" && "$DATABASE_URL" != "$(setting DATABASE_URL)" ]]; then
            warn "DATABASE_URL was not changed: edit $ENV_FILE, then run systemctl restart cvety-web cvety-worker"
        fi
    else
        (umask 077 && settings_text >"$ENV_FILE.new")
        chown "$CRM_USER:" "$ENV_FILE.new"
        mv "$ENV_FILE.new" "$ENV_FILE"
        did "settings $ENV_FILE"
    fi
    [[ "$(stat -c %a "$ENV_FILE")" == 600 ]] || { chmod 600 "$ENV_FILE" && did "mode of $ENV_FILE"; }
}

settings_text() {
    cat <<TEXT
# The settings of this installation. The README of the CRM lists all of them.
# After a change: systemctl restart cvety-web cvety-worker

# --- Generated: keep them ---
SECRET_KEY=$(random_token 48)
DATABASE_URL=$DATABASE_URL
HEALTH_TOKEN=$(random_token 24)
ALLOWED_HOSTS=$DOMAIN
CSRF_TRUSTED_ORIGINS=https://$DOMAIN
PUBLIC_URL=https://$DOMAIN
# nginx is the only proxy that the CRM sees.
TRUSTED_PROXIES=1
MEDIA_ROOT=$CRM_DATA/media
PICTURE_CACHE_DIR=$CRM_CACHE/pictures
THROTTLE_CACHE_DIR=$CRM_CACHE/throttle

# --- The site: enter these two tokens there ---
# The site sends it with its webhooks to https://$DOMAIN/webhooks/bitrix/order
WEBHOOK_TOKENS=$(random_token 32)
# The bridge of the site expects it.
BITRIX_API_TOKEN=$(random_token 32)
# The URL of the bridge, such as https://cvety.kz/local/crm-bridge.php
BITRIX_API_URL=

# --- Telegram ---
TELEGRAM_NOTIFICATIONS_ENABLED=off
TELEGRAM_BOT_TOKEN=
TELEGRAM_CHAT_ID=
TEXT
}
