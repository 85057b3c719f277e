# fish completion for bkend-emulator(1)

complete -c bkend-emulator -f
complete -c bkend-emulator -s h -l help -d 'show the help'
complete -c bkend-emulator -s V -l version -d 'show the versions'
complete -c bkend-emulator -l data -d 'serve what was saved there' -x -a '(__fish_complete_directories (commandline -ct))'
complete -c bkend-emulator -l listen -d 'where to listen' -x
complete -c bkend-emulator -l socket -d 'serve on a listening socket' -x
complete -c bkend-emulator -l credentials -d 'keys and account' -r -F
complete -c bkend-emulator -l allow-host -d 'answer to this host name' -x
complete -c bkend-emulator -l allow-origin -d 'let pages from there read the answers' -x
complete -c bkend-emulator -l client-timeout -d 'let go of slow clients' -x
complete -c bkend-emulator -l connections -d 'at most so many at once' -x
complete -c bkend-emulator -l latency -d 'wait before each answer of the API' -x
complete -c bkend-emulator -l storage-latency -d 'wait before each object' -x
complete -c bkend-emulator -l storage-rate -d 'for objects, a connection' -x
complete -c bkend-emulator -l token-ttl -d 'life of an access token' -x
complete -c bkend-emulator -l url-ttl -d 'life of a download URL' -x
complete -c bkend-emulator -l rate-limit -d 'requests a window' -x
complete -c bkend-emulator -l max-limit -d 'largest page' -x
complete -c bkend-emulator -l envelope -d 'the form of answers' -x -a 'bare data'
complete -c bkend-emulator -l errors -d 'shape of errors' -x -a '1 2 3'
complete -c bkend-emulator -l paging -d 'how more pages are told of' -x -a 'default next nextpage none'
complete -c bkend-emulator -l key-order -d 'pagination before or after items' -x -a 'first last'
complete -c bkend-emulator -l mcp-edition -d 'what the tools’ arguments are called' -x -a 'none environment environment-id env-id'
complete -c bkend-emulator -l mcp-tools -d 'which tools there are' -x -a 'plain numbered none'
complete -c bkend-emulator -l mcp-resources -d 'which resources there are' -x -a 'all tables none'
complete -c bkend-emulator -l mcp-answers -d 'the form of answers' -x -a 'json sse'
complete -c bkend-emulator -l mcp-page -d 'entries in an answer' -x
complete -c bkend-emulator -l mcp-paging -d 'whether tools take a page' -x -a 'page none'
complete -c bkend-emulator -l mcp-projects -d 'projects in the organization' -x
complete -c bkend-emulator -l mcp-code-ttl -d 'life of an authorization code' -x
complete -c bkend-emulator -l generate -d 'add a table of made-up records' -x
complete -c bkend-emulator -l generate-files -d 'add made-up stored files' -x
complete -c bkend-emulator -l no-demo -d 'no sample project'
complete -c bkend-emulator -l mutate -d 'random changes' -x
complete -c bkend-emulator -l fail -d 'random faults' -x
complete -c bkend-emulator -l seed -d 'the same faults again' -x
complete -c bkend-emulator -l lie -d 'untrue answers' -x -a 'size size-large size-zero size-missing no-range no-sort no-sort-field no-select no-filter total-low total-high repeat-page no-items'
complete -c bkend-emulator -l control -d 'enable the control interface'
complete -c bkend-emulator -l log -d 'a line a request' -r -F
