# shellcheck shell=bash
# Releases: each version of the code has its own folder. `current` is the one that runs, `previous` the way back.

# Print a name that depends only on the content of the code.
release_name() { (cd "$SOURCE" && pack | sha256sum | cut -c1-12); }

pack() {
    tar --create --file=- --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        --exclude=__pycache__ --exclude='*.py[co]' --exclude='*.mo' --exclude=node_modules "${CONTENT[@]}"
}

# Set RELEASE to the folder of the code beside this script, and create it.
build_release() {
    RELEASE="$CRM_HOME/releases/$(release_name)"
    [[ -e "$RELEASE/.complete" ]] && return 0
    rm -rf "$RELEASE"
    mkdir -p "$RELEASE"
    (cd "$SOURCE" && pack) | tar --extract --file=- --no-same-owner -C "$RELEASE"
    build_venv
    (
        cd "$RELEASE" || exit
        export ENV_FILE
        .venv/bin/python -m cvety_crm.i18n.catalogue
        collect_static_files
        .venv/bin/python -m compileall -q bitrix_bridge cvety_crm notifications orders
    )
    chmod -R u=rwX,go=rX "$RELEASE"
    touch "$RELEASE/.complete"
    did "release $RELEASE"
}

# Compressing takes a minute, so the files of the running release are used if their sources are the same.
collect_static_files() {
    local sources running
    running="$(current_release current)"
    sources="$({ readlink .venv && find . -path ./.venv -prune -o -path '*/static/*' -type f -print0 | sort -z |
        xargs -0 sha256sum cvety_crm/settings.py; } | sha256sum)"
    if [[ -n "$running" && "$(cat "$running/.static.sources" 2>/dev/null)" == "$sources" ]]; then
        cp --archive --link "$running/.static" .static
    else
        .venv/bin/python manage.py collectstatic --noinput -v0
    fi
    printf '%s\n' "$sources" >.static.sources
}

# Releases with the same requirements share a virtual environment.
build_venv() {
    local name venv
    name="$({ "$PYTHON" --version && cat "$RELEASE/requirements.lock"; } | sha256sum | cut -c1-12)"
    venv="$CRM_HOME/venvs/$name"
    if [[ ! -e "$venv/.complete" ]]; then
        rm -rf "$venv"
        "$PYTHON" -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --no-input \
            --require-hashes -r "$RELEASE/requirements.lock"
        touch "$venv/.complete"
        did "packages of Python"
    fi
    ln -s "../../venvs/$name" "$RELEASE/.venv"
}

# The running release, or nothing.
current_release() { readlink -e "$CRM_HOME/$1" || true; }

migrate_database() {
    manage "$RELEASE" check --fail-level ERROR >/dev/null
    if ! manage "$RELEASE" migrate --check >/dev/null 2>&1; then
        # The previous release is still running: migrations may only add to the schema (CONTRIBUTING.md).
        manage "$RELEASE" migrate -v0 --noinput
        did "migrations"
    fi
}

# point NAME RELEASE: replace a link in one step.
point() {
    ln -sfn "releases/$(basename "$2")" "$CRM_HOME/$1.new"
    mv -T "$CRM_HOME/$1.new" "$CRM_HOME/$1"
}

# Only the current and the previous release are kept, and their virtual environments.
delete_old_releases() {
    local folder used
    for folder in "$CRM_HOME"/releases/*/; do
        folder="${folder%/}"
        case "$folder" in
            "$(current_release current)" | "$(current_release previous)") ;;
            *) rm -rf "$folder" ;;
        esac
    done
    used="$(readlink -e "$CRM_HOME"/releases/*/.venv || true)"
    for folder in "$CRM_HOME"/venvs/*/; do
        grep -qxF "${folder%/}" <<<"$used" || rm -rf "${folder%/}"
    done
}
