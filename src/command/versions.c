#include "command/versions.h"

#include <stdio.h>

#include "fs/fs.h"
#include "http/http.h"
#include "replica/replica.h"

void versions_print(void)
{
	printf("bkendfs %s\nlibfuse %s\n%s\nSQLite %s\n", BKENDFS_VERSION,
	    fs_library_version(), http_curl_version(),
	    replica_library_version());
}
