# shellcheck shell=bash
# The packages of the operating system, and Python.

install_packages() {
    local wanted=(ca-certificates curl nginx openssl tzdata fonts-noto-color-emoji) package missing=()
    find_python || wanted+=("$(python_package)" "$(python_package)-venv")
    [[ "$PROXY" == tls && -n "$EMAIL" ]] && wanted+=(certbot)
    [[ -z "$DATABASE_URL" && ! -e "$ENV_FILE" ]] && wanted+=(postgresql)
    # Backups need pg_dump.
    [[ -n "$DATABASE_URL" ]] && wanted+=(postgresql-client)
    for package in "${wanted[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
    done
    if ((${#missing[@]})); then
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
        did "packages ${missing[*]}"
    fi
    find_python || die "Python 3.11 or later with the module venv is needed, and was not found."
}

# Ubuntu 22.04 has Python 3.10, and 3.11 as a package of its own.
python_package() {
    if grep -q '^PRETTY_NAME="Ubuntu 22.04' /etc/os-release; then printf 'python3.11'; else printf 'python3'; fi
}

# Set PYTHON to a Python that can run the CRM.
find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            PYTHON="$candidate"
            return 0
        fi
    done
    return 1
}
