# fish completion for bkendfs(1)

# The names of the sections of the configuration file.
function __bkendfs_profiles
    set -l config /etc/bkendfs/config
    if test -n "$XDG_CONFIG_HOME"
        set config $XDG_CONFIG_HOME/bkendfs/config
    else if test -n "$HOME" -a \( "$HOME" != /root -o -e "$HOME/.config/bkendfs/config" \)
        set config $HOME/.config/bkendfs/config
    end
    test -r $config; and string replace -rf '^\s*\[([^]]*)\].*' '$1' <$config
end

# How many names stand before the cursor, and of which command.
function __bkendfs_names
    set -l count 0
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if test "$word" = -o
            set skip 1
        else if not string match -q -- '-*' $word
            set count (math $count + 1)
        end
    end
    echo $count
end

function __bkendfs_has
    set -l words (commandline -opc)
    for option in $argv
        contains -- $option $words; and return 0
    end
    return 1
end

function __bkendfs_wants_source
    test (__bkendfs_names) = 0; and not __bkendfs_has --demo
end

function __bkendfs_wants_directory
    switch (__bkendfs_names)
        case 0
            not __bkendfs_has --login --logout
        case 1
            not __bkendfs_has --demo --check --fetch --login --logout
        case '*'
            false
    end
end

# The settings, behind what stands already in a list with commas.
function __bkendfs_settings
    set -l token (string replace -r '^-o' '' -- (commandline -ct))
    set -l before (string replace -rf '^(.*,)[^,]*$' '$1' -- $token)
    set -l item (string replace -r '^.*,' '' -- $token)
    switch $item
        case 'json=*'
            for form in pretty raw
                printf '%sjson=%s\n' "$before" $form
            end
        case 'log_level=*'
            for level in error warn info debug
                printf '%slog_level=%s\n' "$before" $level
            end
        case 'cache_dir=*' 'cacert=*' 'log=*'
            set -l name (string replace -r '=.*' '' -- $item)
            for path in (__fish_complete_path (string replace -r '^[^=]*=' '' -- $item))
                printf '%s%s=%s\n' "$before" $name $path
            end
        case '*'
            printf "$before%s\n" url=\t'the API' \
                tables=\t'tables to show from the start' \
                json=\t'the form of records' \
                ttl=\t'believe a listing so long' \
                connections=\t'requests at once' \
                retry=\t'patience with a failing server' \
                cache_dir=\t'where the replica lives' \
                cache_size=\t'what the replica may take up' \
                nocache\t'a replica for this mount alone' \
                offline\t'serve the replica, ask nobody' \
                xattr\t'tell extended attributes' \
                verify_sizes\t'ask each stored file for its size' \
                mcp_url=\t'the server that lists tables' \
                cacert=\t'trust this CA' \
                log=\t'where the log goes' \
                log_level=\t'how much it says' \
                max_threads=\t'threads that answer the kernel' \
                max_idle_threads=\t'of those, how many wait for work' \
                allow_other\t'let other users in' \
                allow_root\t'let root in' \
                auto_unmount\t'unmount when the program ends' \
                noatime\t'ignored'
    end
end

complete -c bkendfs -f
complete -c bkendfs -n __bkendfs_wants_source -a '(__bkendfs_profiles)' -d profile
complete -c bkendfs -n __bkendfs_wants_directory -a '(__fish_complete_directories (commandline -ct))'
complete -c bkendfs -l demo -d 'mount a sample project'
complete -c bkendfs -l check -d 'tell whether a backup would succeed'
complete -c bkendfs -l fetch -d 'bring all into the replica'
complete -c bkendfs -l login -d 'have the tables listed'
complete -c bkendfs -l logout -d 'forget that login'
complete -c bkendfs -s f -d 'stay in the foreground'
complete -c bkendfs -s d -d 'trace FUSE requests'
complete -c bkendfs -s s -d 'serve with one thread'
complete -c bkendfs -s o -x -a '(__bkendfs_settings)' -d settings
complete -c bkendfs -s h -l help -d 'show a screen of help'
complete -c bkendfs -l help=all -d 'explain each setting'
complete -c bkendfs -s V -l version -d 'show the versions'
