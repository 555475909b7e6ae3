# Completion of recon for bash 4.4 or newer.
_recon() {
    local program=${COMP_WORDS[0]} head about
    local -a reply
    program=${program/#\~\//$HOME/}
    type -P -- "$program" >/dev/null || program=recon
    mapfile -t reply < <("$program" __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" \
        2>/dev/null </dev/null)
    head=${reply[0]-}
    COMPREPLY=()
    case $head in
        files*) compopt -o default ;;
        folders*) compopt -o dirnames ;;
        words*)
            COMPREPLY=("${reply[@]:1}")
            COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
            compopt -o nosort 2>/dev/null
            ;;
    esac
    case $head in
        *open) compopt -o nospace ;;
    esac
}
complete -F _recon recon
