#include "http/peers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TASKS "/proc/self/task"

/* The second figure of the kernel's three; -1: the thread has ended. */
static int64_t starved_ns(pid_t tid)
{
	char text[128] = "", path[64], *second;
	snprintf(path, sizeof(path), TASKS "/%d/schedstat", tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return -1;
	strtoll(text, &second, 10);
	return strtoll(second, NULL, 10);
}

void peers_note(struct peers *peers, int64_t turn, int64_t late_ns)
{
	struct dirent *entry;
	DIR *dir = opendir(TASKS);
	peers->count = 0;
	while (dir && peers->count < PEERS_MOST && (entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		int64_t ns = tid > 0 ? starved_ns(tid) : -1;
		if (ns < 0)
			continue;
		peers->threads[peers->count].tid = tid;
		peers->threads[peers->count++].starved_ns = ns;
	}
	if (dir)
		closedir(dir);
	peers->late_ns = late_ns;
	peers->turn = turn;
}

int64_t peers_starved_ns(const struct peers *peers, int64_t turn)
{
	int64_t longest = 0;
	if (peers->turn != turn)
		return 0;
	for (unsigned i = 0; i < peers->count; i++) {
		int64_t ns = starved_ns(peers->threads[i].tid);
		if (ns - peers->threads[i].starved_ns > longest)
			longest = ns - peers->threads[i].starved_ns;
	}
	return peers->late_ns + longest;
}
