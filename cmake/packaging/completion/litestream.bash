# Completion for litestream and the programs beside it. Commands and flags are asked of the program itself.

_litestream() {
    local program=$1 current=$2 help=() flags
    COMPREPLY=()
    if [[ ${program##*/} == litestream ]]; then
        if ((COMP_CWORD == 1)); then
            mapfile -t COMPREPLY < <(compgen -W "$("$program" help 2>/dev/null | sed -n $'s/^\t\\([a-z]*\\)  .*/\\1/p')" -- "$current")
            return
        fi
        help=("${COMP_WORDS[1]}")
    fi
    # Lines like "\t-config PATH" and, of litestreamd, "-h, --help" and "--config=FILE".
    flags=$("$program" "${help[@]}" -help 2>/dev/null | grep -E $'^\t?-')
    [[ $current == -* ]] || return  # file names, by default
    mapfile -t COMPREPLY < <(compgen -W "$(grep -oE -- $'(^\t-|--)[a-z0-9-]+' <<<"$flags" | tr -d '\t')" -- "$current")
}

complete -o bashdefault -o default -F _litestream litestream litestreamd litestream-conformance litestream-migrate
