#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "remove-tree.h"

static char root[64];
static int abi; /* of the kernel that we run on; 0: it has none */

static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test-sandbox-XXXXXX");
	long r = syscall(444, NULL, 0, 1);
	abi = r > 0 ? (int)r : 0;
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return remove_tree(root);
}

/* A name below the root, good until the next but three. */
static const char *at(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
	return path;
}

/* All of the tree, and who may do what there. */
static void make_tree(void)
{
	static const char *const dirs[] = {
	    "cache", "data", "home", "spool", "tidy", "tidy/dir"};
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char file[64];
		assert_int_equal(mkdir(at(dirs[i]), 0700), 0);
		snprintf(file, sizeof(file), "%s/f", dirs[i]);
		int fd = open(at(file), O_CREAT | O_WRONLY, 0600);
		assert_int_equal(write(fd, "text", 4), 4);
		close(fd);
	}
	assert_int_equal(symlink("../home/f", at("cache/link")), 0);
}

static struct sandbox *make_sandbox(enum sandbox_net net)
{
	struct sandbox *sandbox;
	assert_int_equal(sandbox_new(net, &sandbox), 0);
	assert_int_equal(sandbox_allow(sandbox, at("cache"), SANDBOX_KEEP), 0);
	assert_int_equal(sandbox_allow(sandbox, at("data"), SANDBOX_READ), 0);
	assert_int_equal(sandbox_allow(sandbox, at("spool"), SANDBOX_SPOOL), 0);
	assert_int_equal(sandbox_allow(sandbox, at("tidy"), SANDBOX_TIDY), 0);
	assert_int_equal(
	    sandbox_allow(sandbox, "/dev/null", SANDBOX_DEVICE), 0);
	assert_int_equal(sandbox_allow(sandbox, at("none"), SANDBOX_KEEP), 0);
	return sandbox;
}

/* ---- what is tried inside: 0, or the errno that stops it ---- */

static int opens(const char *name, int flags)
{
	int fd =
	    open(name[0] == '/' ? name : at(name), flags | O_CLOEXEC, 0600);
	int err = errno;
	if (fd < 0)
		return err;
	close(fd);
	return 0;
}

static int removes(const char *name)
{
	return unlink(at(name)) < 0 ? errno : 0;
}

static int renames(const char *from, const char *to)
{
	return rename(at(from), at(to)) < 0 ? errno : 0;
}

static int makes_dir(const char *name)
{
	return mkdir(at(name), 0700) < 0 ? errno : 0;
}

static int executes(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

/* Of TCP, on the loopback interface; nobody listens at the port. */
static int calls(int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int r = call(fd, (struct sockaddr *)&address, sizeof(address));
	int err = errno;
	close(fd);
	return r < 0 ? err : 0;
}

/* Checks are counted: cmocka cannot fail a test from within a child. */
static int wrong;

static void is(const char *what, int err, int expected)
{
	if (err == expected)
		return;
	fprintf(stderr, "%s: %s, not %s\n", what, strerrorname_np(err),
	    strerrorname_np(expected));
	wrong++;
}

/* Run it in a child that has entered the sandbox. */
static void inside(enum sandbox_net net, void (*try)(void))
{
	char words[SANDBOX_WORDS], expected[SANDBOX_WORDS];
	int status;
	snprintf(expected, sizeof(expected), "landlock ABI %d", abi);
	struct sandbox *sandbox = make_sandbox(net);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		wrong = 0;
		sandbox_enter(sandbox, words);
		if (abi && strcmp(words, expected) != 0)
			wrong++;
		if (!abi && strncmp(words, "none: ", 6) != 0)
			wrong++;
		if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
			wrong++;
		/* All else is as the kernel can. */
		if (abi)
			try();
		_exit(wrong);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	sandbox_free(sandbox);
}

static void try_the_cache(void)
{
	is("read", opens("cache/f", O_RDONLY), 0);
	is("make", opens("cache/new", O_CREAT | O_EXCL | O_RDWR), 0);
	is("truncate", opens("cache/new", O_TRUNC | O_WRONLY), 0);
	is("rename", renames("cache/new", "cache/newer"), 0);
	is("remove", removes("cache/newer"), 0);
	is("make a directory", makes_dir("cache/dir"), 0);
	is("write in it", opens("cache/dir/f", O_CREAT | O_WRONLY), 0);
	if (abi >= 2)
		is("move out of it", renames("cache/dir/f", "cache/g"), 0);
}

static void the_cache_is_kept(void **state)
{
	(void)state;
	make_tree();
	inside(SANDBOX_CLIENT, try_the_cache);
}

static void try_elsewhere(void)
{
	is("/etc/passwd", opens("/etc/passwd", O_RDONLY), EACCES);
	is("/", opens("/", O_RDONLY | O_DIRECTORY), EACCES);
	is("somebody's file", opens("home/f", O_RDONLY), EACCES);
	is("by a link", opens("cache/link", O_RDONLY), EACCES);
	is("a new one", opens("home/new", O_CREAT | O_WRONLY), EACCES);
	is("a directory", makes_dir("home/dir"), EACCES);
	is("remove", removes("home/f"), EACCES);
	if (renames("cache/f", "home/g") == 0)
		is("move out", 0, EACCES);
	is("execute", executes(), EACCES);
	is("a device", opens("/dev/zero", O_RDONLY), EACCES);
	is("the one that is allowed", opens("/dev/null", O_RDWR), 0);
}

static void all_else_is_out_of_reach(void **state)
{
	(void)state;
	make_tree();
	inside(SANDBOX_CLIENT, try_elsewhere);
}

static void try_data(void)
{
	is("read", opens("data/f", O_RDONLY), 0);
	is("list", opens("data", O_RDONLY | O_DIRECTORY), 0);
	is("write", opens("data/f", O_WRONLY), EACCES);
	is("make", opens("data/new", O_CREAT | O_WRONLY), EACCES);
	is("remove", removes("data/f"), EACCES);
	is("a directory", makes_dir("data/dir"), EACCES);
	if (abi >= 3)
		is("truncate", truncate(at("data/f"), 0) < 0 ? errno : 0,
		    EACCES);
}

static void what_is_to_be_read_is_not_written(void **state)
{
	(void)state;
	make_tree();
	inside(SANDBOX_SERVER, try_data);
}

static void try_the_spool(void)
{
	int err = opens("spool", O_TMPFILE | O_RDWR);
	if (err != EOPNOTSUPP)
		is("nameless", err, 0);
	is("with a name", opens("spool/new", O_CREAT | O_RDWR), EACCES);
	is("remove", removes("spool/f"), EACCES);
}

static void files_without_a_name_can_be_had(void **state)
{
	(void)state;
	make_tree();
	inside(SANDBOX_CLIENT, try_the_spool);
}

static void try_to_tidy_up(void)
{
	is("read", opens("tidy/f", O_RDONLY), EACCES);
	is("make", opens("tidy/new", O_CREAT | O_RDWR), EACCES);
	is("remove", removes("tidy/f"), EACCES);
	is("what is in it", removes("tidy/dir/f"), EACCES);
	is("another", rmdir(at("data")) < 0 ? errno : 0, EACCES);
	is("one with files", rmdir(at("tidy/dir")) < 0 ? errno : 0, ENOTEMPTY);
	is("an empty one", rmdir(at("tidy/empty")) < 0 ? errno : 0, 0);
}

static void only_what_is_empty_is_tidied_up(void **state)
{
	(void)state;
	make_tree();
	assert_int_equal(mkdir(at("tidy/empty"), 0700), 0);
	inside(SANDBOX_CLIENT, try_to_tidy_up);
}

static void try_as_a_client(void)
{
	is("listen", calls(bind), abi >= 4 ? EACCES : 0);
	is("connect", calls(connect), ECONNREFUSED);
}

static void try_as_a_server(void)
{
	is("listen", calls(bind), 0);
	is("connect", calls(connect), abi >= 4 ? EACCES : ECONNREFUSED);
}

static void a_client_does_not_listen_nor_a_server_connect(void **state)
{
	(void)state;
	make_tree();
	inside(SANDBOX_CLIENT, try_as_a_client);
	inside(SANDBOX_SERVER, try_as_a_server);
}

static void *read_elsewhere(void *ctx)
{
	int *err = ctx;
	*err = opens("/etc/passwd", O_RDONLY);
	return NULL;
}

static void try_others(void)
{
	pthread_t thread;
	int err = 0, status = 0;
	pthread_create(&thread, NULL, read_elsewhere, &err);
	pthread_join(thread, NULL);
	is("a thread", err, EACCES);
	pid_t child = fork();
	if (child == 0)
		_exit(opens("/etc/passwd", O_RDONLY) == EACCES ? 0 : 1);
	waitpid(child, &status, 0);
	is("a child", status, 0);
}

static void so_are_threads_and_children(void **state)
{
	(void)state;
	make_tree();
	inside(SANDBOX_CLIENT, try_others);
}

static void what_is_open_stays_open(void **state)
{
	(void)state;
	char text[4], words[SANDBOX_WORDS];
	int status;
	make_tree();
	struct sandbox *sandbox = make_sandbox(SANDBOX_CLIENT);
	int fd = open(at("home/f"), O_RDONLY);
	pid_t child = fork();
	if (child == 0) {
		sandbox_enter(sandbox, words);
		_exit(read(fd, text, 4) == 4 ? 0 : 1);
	}
	close(fd);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	sandbox_free(sandbox);
	sandbox_free(NULL);
}

#define IN_ROOT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_ROOT(the_cache_is_kept),
	    IN_ROOT(all_else_is_out_of_reach),
	    IN_ROOT(what_is_to_be_read_is_not_written),
	    IN_ROOT(files_without_a_name_can_be_had),
	    IN_ROOT(only_what_is_empty_is_tidied_up),
	    IN_ROOT(a_client_does_not_listen_nor_a_server_connect),
	    IN_ROOT(so_are_threads_and_children),
	    IN_ROOT(what_is_open_stays_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
