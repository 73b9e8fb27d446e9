/* confine: what a daemon cannot do any more. Each case in a process of its own. */
#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static int run_a_program(void)
{
	return execl("/bin/true", "true", NULL);
}

static int set_the_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return clock_settime(CLOCK_REALTIME, &now);
}

static int become_another(void)
{
	return (int)syscall(SYS_setresuid, 65534, 65534, 65534); /* of this thread alone */
}

#ifndef __SANITIZE_ADDRESS__
static int trace_a_process(void)
{
	return (int)ptrace(PTRACE_ATTACH, 0, NULL, NULL); /* nobody: ESRCH if it may */
}
#endif

static int make_a_device(void)
{
	return mknod("/tmp/imprint-no-such-device", S_IFCHR | 0600, 0);
}

static int become_root_of_a_namespace(void)
{
	return (int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
}

static int namespace_by_the_newer_call(void)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	long rc = syscall(SYS_clone3, &args, sizeof(args));

	errno = errno == ENOSYS ? EPERM : EINVAL;
	return (int)rc;
}

static void *nothing(void *context)
{
	return context;
}

static int start_a_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL) ? -1 : 0;
}

/* ENOTTY if it may. */
static int type_into_a_terminal(void)
{
	return ioctl(STDIN_FILENO, TIOCSTI, "x");
}

static int unix_socket(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET, 0);
}

static int ip_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int raw_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static int netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int open_a_file(void)
{
	return open("/dev/null", O_RDWR);
}

static int new_privileges(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -1;
}

static int not_dumpable(void)
{
	struct rlimit core;

	getrlimit(RLIMIT_CORE, &core);
	return core.rlim_max == 0 && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -1;
}

static const struct {
	const char *name;
	enum confine_network network;
	int (*act)(void);
	bool allowed;
} cases[] = {
	{ "run a program", CONFINE_IP, run_a_program, false },
	{ "set the clock", CONFINE_IP, set_the_clock, false },
	{ "become another user", CONFINE_IP, become_another, false },
#ifndef __SANITIZE_ADDRESS__ /* its leak checker must */
	{ "trace a process", CONFINE_IP, trace_a_process, false },
#endif
	{ "make a device", CONFINE_IP, make_a_device, false },
	{ "become root of a namespace", CONFINE_IP, become_root_of_a_namespace, false },
	{ "the same by the newer call", CONFINE_IP, namespace_by_the_newer_call, false },
	{ "start a thread", CONFINE_IP, start_a_thread, true },
	{ "type into a terminal", CONFINE_IP, type_into_a_terminal, false },
	{ "a socket of the machine", CONFINE_NO_NETWORK, unix_socket, true },
	{ "no IP", CONFINE_NO_NETWORK, ip_socket, false },
	{ "IP", CONFINE_IP, ip_socket, true },
	{ "no raw packets", CONFINE_IP, raw_socket, false },
	{ "no netlink", CONFINE_IP, netlink_socket, false },
	{ "a file", CONFINE_NO_NETWORK, open_a_file, true },
	{ "no new privileges", CONFINE_NO_NETWORK, new_privileges, true },
	{ "not dumpable", CONFINE_NO_NETWORK, not_dumpable, true },
};

enum { ALLOWED = 0, REFUSED = 1, UNCONFINED = 2, OTHER = 3 };

static int attempt(enum confine_network network, int (*act)(void))
{
	struct err e;
	int rc;

	if (!confine(network, &e))
		return UNCONFINED;
	errno = 0;
	rc = act();
	return rc >= 0 ? ALLOWED : errno == EPERM ? REFUSED : OTHER;
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			_exit(attempt(cases[i].network, cases[i].act));
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFEXITED(status) ||
		    WEXITSTATUS(status) != (cases[i].allowed ? ALLOWED : REFUSED))
			fail_msg("%s: status %x", cases[i].name, (unsigned)status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
