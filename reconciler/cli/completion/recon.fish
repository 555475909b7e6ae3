# Completion of recon for fish 3 or newer.
function __recon_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    type -fq -- $program; or set program recon
    set -l reply (command $program __complete fish $words[2..-1] "$typed" 2>/dev/null </dev/null)
    switch "$reply[1]"
        case 'files*'
            __fish_complete_path "$typed"
        case 'folders*'
            __fish_complete_directories "$typed" ''
        case 'words*'
            printf '%s\n' $reply[2..-1]
    end
end
complete -c recon -f -a '(__recon_complete)'
