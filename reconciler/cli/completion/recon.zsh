#compdef recon
# Completion of recon for zsh.
_recon() {
    local program=${(Q)words[1]} head line word
    local -a reply items
    program=${program/#\~\//$HOME/}
    whence -p -- "$program" >/dev/null || program=recon
    reply=("${(@f)$("$program" __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" \
        2>/dev/null </dev/null)}")
    head=$reply[1]
    case $head in
        files*) [[ $PREFIX == --*=* ]] && compset -P '*='; _files; return ;;
        folders*) [[ $PREFIX == --*=* ]] && compset -P '*='; _files -/; return ;;
        words*) ;;
        *) return 1 ;;
    esac
    for line in "${reply[@]:1}"; do
        word=${line%%$'\t'*}
        word=${word//:/\\:}
        [[ $line == *$'\t'* ]] && word+=":${line#*$'\t'}"
        items+=("$word")
    done
    (( $#items )) || return 1
    if [[ $head == *open ]]; then
        _describe -V recon items -S ''
    else
        _describe -V recon items
    fi
}
if [[ $funcstack[1] == _recon ]]; then
    _recon "$@"
else
    compdef _recon recon
fi
