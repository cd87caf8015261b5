# shellcheck shell=bash
# systemd and nginx.

install_units() {
    local unit written=""
    for unit in cvety-web.socket cvety-web.service cvety-worker.service; do
        if write_file "$UNITS/$unit" 0644 < <(render "$SOURCE/deploy/systemd/$unit"); then written=yes; fi
    done
    if [[ -n "$written" ]]; then
        systemctl daemon-reload
        RESTART=yes
    fi
}

install_manage_command() {
    write_file "$ROOT/usr/local/bin/cvety-crm" 0755 <<TEXT || true
#!/bin/sh
# manage.py of the running release, such as: cvety-crm system_status
cd "$CRM_HOME/current" || exit 1
exec runuser -u "$CRM_USER" -- env ENV_FILE="$ENV_FILE" .venv/bin/python manage.py "\$@"
TEXT
}

install_nginx() {
    local written=""
    if write_file "$NGINX/snippets/cvety-crm.conf" 0644 < <(render "$SOURCE/deploy/nginx/snippet.conf"); then
        written=yes
    fi
    if write_file "$NGINX/sites-available/cvety-crm.conf" 0644 < <(render "$SOURCE/deploy/nginx/cvety-crm-$PROXY.conf"); then
        written=yes
    fi
    if [[ ! -L "$NGINX/sites-enabled/cvety-crm.conf" ]]; then
        mkdir -p "$NGINX/sites-enabled"
        ln -s ../sites-available/cvety-crm.conf "$NGINX/sites-enabled/cvety-crm.conf"
        written=yes
    fi
    if [[ -n "$written" ]]; then reload_nginx; fi
}

reload_nginx() {
    nginx -t -q || die "nginx does not accept its configuration, and continues with the previous one."
    systemctl reload-or-restart nginx
}

# nginx always reads /etc/cvety-crm/tls. Until there is a certificate of an authority, this is a self-made one.
ensure_certificate() {
    [[ "$PROXY" == tls ]] || return 0
    ensure_folder "$CRM_ETC/tls" "$(id -un)" "$(id -gn)" 700
    [[ -e "$CRM_ETC/tls/fullchain.pem" ]] && return 0
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$DOMAIN" -addext "subjectAltName=DNS:$DOMAIN" \
        -keyout "$CRM_ETC/tls/privkey.pem" -out "$CRM_ETC/tls/fullchain.pem" 2>/dev/null
    did "temporary certificate, which browsers do not trust"
    [[ -n "$EMAIL" ]] || warn "for a certificate of Let's Encrypt, run install.sh --email you@example.kz"
}

# nginx must already run, because it answers the question of the authority.
request_certificate() {
    local live="$ROOT/etc/letsencrypt/live/$DOMAIN" file
    [[ "$PROXY" == tls && -n "$EMAIL" ]] || return 0
    if [[ ! -e "$live/fullchain.pem" ]]; then
        if ! certbot certonly --webroot --webroot-path "$ACME_FOLDER" --domain "$DOMAIN" --email "$EMAIL" \
            --agree-tos --non-interactive --quiet --deploy-hook "systemctl reload nginx"; then
            warn "there is no certificate yet. Does $DOMAIN lead to this machine? Then run install.sh again."
            return 0
        fi
        did "certificate"
    fi
    [[ "$(readlink "$CRM_ETC/tls/fullchain.pem")" == "$live/fullchain.pem" ]] && return 0
    for file in fullchain.pem privkey.pem; do ln -sfn "$live/$file" "$CRM_ETC/tls/$file"; done
    reload_nginx
    did "nginx uses the certificate"
}

# Replace the processes. The sockets stay open, so requests wait for the new processes.
restart_services() {
    systemctl enable --quiet --now cvety-web.socket &&
        systemctl enable --quiet cvety-web.service cvety-worker.service &&
        systemctl restart cvety-web.service &&
        systemctl restart cvety-worker.service
}

# Return 0 as soon as the web processes answer that they work, or 1 after a minute.
answers() {
    local _second
    for _second in {1..60}; do
        curl -fsS -o /dev/null -m 10 -H "Host: $DOMAIN" -H 'X-Forwarded-Proto: https' \
            "http://127.0.0.1:$CRM_PORT/health" 2>/dev/null && return 0
        sleep 1
    done
    return 1
}

# switch_to RELEASE: run another release. If it does not answer, run the one before again.
switch_to() {
    local before
    before="$(current_release current)"
    point current "$1"
    [[ -n "$before" && "$before" != "$1" ]] && point previous "$before"
    if restart_services && answers; then return 0; fi
    if [[ -z "$before" || "$before" == "$1" ]]; then
        die "The CRM does not answer. See: journalctl -u cvety-web -n 50"
    fi
    point current "$before"
    restart_services || true
    die "The new release does not answer, so the one before runs again. See: journalctl -u cvety-web -n 100"
}
