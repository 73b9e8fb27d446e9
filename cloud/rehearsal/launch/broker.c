#include "cloud/rehearsal/launch/broker.h"

#include "base/clock.h"
#include "base/wait.h"
#include "cloud/rehearsal/launch/folder.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PLUGIN ".so" /* behind the path of this program */
#define STOP_MS 5000
#define LOOK_MS 50
#define PACKET_MAX 149504      /* as AWS IoT has it */
#define MEMORY_MAX (256 << 20) /* of mosquitto, whatever the devices send */
#define SANITIZER_SIZE (PATH_MAX + 16)
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER "__asan_init"
#elif defined(__SANITIZE_THREAD__)
#define SANITIZER "__tsan_init"
#endif

/* --- ports --- */

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in) { .sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

bool broker_port(uint16_t *port, const char *option, int *ret_fd, struct err *e)
{
	AUTO(fd) fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = loopback(*port);
	socklen_t len = sizeof(address);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return err_errno(e, ERR_SYSTEM, "no socket");
	if (bind(fd, (struct sockaddr *)&address, len) < 0)
		return errno == EADDRINUSE
			       ? err_set(e, ERR_BUSY,
					 "port %u of 127.0.0.1 is taken by another program; choose "
					 "another with %s, or 0 for any",
					 *port, option)
			       : err_errno(e, ERR_SYSTEM, "cannot use port %u of 127.0.0.1", *port);
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return err_errno(e, ERR_SYSTEM, "no port");
	*port = ntohs(address.sin_port);
	*ret_fd = TAKE_FD(fd);
	return true;
}

static bool answers(uint16_t port)
{
	AUTO(fd) fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = loopback(port);

	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

/* --- mosquitto --- */

/* As plugin_main.c wants it; the times as in our own log. Started as root, mosquitto would without
 * "user root" become a user who may not read the files. */
static bool configure(const char *dir, const char *plugin, const struct settings *settings,
		      struct err *e)
{
	return folder_write(FILE_CONFIGURATION, 0644,
			    "persistence false\nallow_anonymous true\nuser root\n"
			    "log_dest stderr\nlog_timestamp_format %%Y-%%m-%%dT%%H:%%M:%%SZ\n"
			    "log_type error\nlog_type warning\nlog_type notice\n"
			    "log_type information\n"
			    "max_packet_size %d\nmemory_limit %d\n"
			    "plugin %s\nplugin_opt_registry %s/" FILE_REGISTRY "\n"
			    "plugin_opt_refusal %s\nplugin_opt_chain %s\n"
			    "listener %u 127.0.0.1\ncertfile %s/" FILE_SERVER "\n"
			    "keyfile %s/" FILE_SERVER_KEY "\nrequire_certificate true\n"
			    "listener %u 127.0.0.1\n",
			    PACKET_MAX, MEMORY_MAX, plugin, dir, settings->refusal, settings->chain,
			    settings->mqtt_port, dir, dir, settings->event_port) ||
	       err_errno(e, ERR_SYSTEM, "cannot write " FILE_CONFIGURATION);
}

/* Beside this program: they are built and installed together. */
static bool find_plugin(char ret_path[static PATH_MAX], struct err *e)
{
	char self[PATH_MAX];

	if (!realpath("/proc/self/exe", self))
		return err_errno(e, ERR_SYSTEM, "cannot see where this program itself is");
	if (snprintf(ret_path, PATH_MAX, "%s" PLUGIN, self) >= PATH_MAX ||
	    access(ret_path, R_OK) < 0)
		return err_set(e, ERR_NOT_FOUND,
			       "mosquitto's plugin %s" PLUGIN " is not there: install it again",
			       self);
	return true;
}

static bool find_mosquitto(const char **ret_path, struct err *e)
{
	static const char *const places[] = { "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], X_OK) == 0) {
			*ret_path = places[i];
			return true;
		}
	return err_set(e, ERR_NOT_FOUND,
		       "the rehearsal needs mosquitto, which is not installed: apt install "
		       "mosquitto");
}

/* A plugin that was built with a sanitizer wants its library loaded first, and mosquitto was not built
 * with it: it gets the one that this program runs with. "": there is none. */
static void find_sanitizer(char ret_variable[static SANITIZER_SIZE])
{
	*ret_variable = '\0';
#ifdef SANITIZER
	Dl_info info;
	void *entry = dlsym(RTLD_DEFAULT, SANITIZER);

	if (entry && dladdr(entry, &info))
		snprintf(ret_variable, SANITIZER_SIZE, "LD_PRELOAD=%s", info.dli_fname);
#endif
}

/* In the child, between fork and exec: nothing but system calls. */
static _Noreturn void become(const char *path, char *sanitizer, pid_t parent)
{
	char *const argv[] = { "mosquitto", "-c", FILE_CONFIGURATION, NULL };
	char *const environment[] = { "TZ=UTC", "PATH=/usr/bin:/bin", *sanitizer ? sanitizer : NULL,
				      NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		execve(path, argv, environment);
	_exit(127);
}

static bool spawn(struct broker *ret_broker, struct err *e)
{
	pid_t parent = getpid(), pid;
	char sanitizer[SANITIZER_SIZE];
	const char *path;

	if (!find_mosquitto(&path, e))
		return false;
	find_sanitizer(sanitizer);
	pid = fork();
	if (pid < 0)
		return err_errno(e, ERR_SYSTEM, "cannot start mosquitto");
	if (pid == 0)
		become(path, sanitizer, parent);
	ret_broker->pid = pid;
	ret_broker->fd = pidfd_open(pid, 0);
	return ret_broker->fd >= 0 || err_errno(e, ERR_SYSTEM, "cannot watch mosquitto");
}

/* The plain port is opened last, and asking there looks like no failed handshake in the log. */
static bool await(const struct broker *broker, uint16_t port, int cancel_fd, struct err *e)
{
	int64_t deadline = clock_deadline(BROKER_START_MS);

	while (!answers(port)) {
		if (clock_monotonic_ms() > deadline)
			return err_set(e, ERR_TIMEOUT, "mosquitto does not answer on port %u",
				       port);
		if (wait_for(broker->fd, POLLIN, clock_deadline(LOOK_MS), cancel_fd, NULL, e))
			return err_set(e, ERR_SYSTEM,
				       "mosquitto ended at once: imprint rehearsal log says why");
		if (e->code != ERR_TIMEOUT)
			return false;
	}
	return true;
}

bool broker_start(const char *dir, const struct settings *settings, int cancel_fd,
		  struct broker *ret_broker, struct err *e)
{
	struct broker broker = { 0, -1 };
	char plugin[PATH_MAX];

	if (!find_plugin(plugin, e))
		return false;
	if (configure(dir, plugin, settings, e) && spawn(&broker, e) &&
	    await(&broker, settings->event_port, cancel_fd, e)) {
		*ret_broker = broker;
		return true;
	}
	broker_stop(&broker);
	return false;
}

void broker_stop(struct broker *broker)
{
	struct err e;

	if (broker->pid > 0) {
		kill(broker->pid, SIGTERM);
		if (broker->fd < 0 ||
		    !wait_for(broker->fd, POLLIN, clock_deadline(STOP_MS), -1, NULL, &e))
			kill(broker->pid, SIGKILL);
		while (waitpid(broker->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (broker->fd >= 0)
		close(broker->fd);
	*broker = (struct broker) { 0, -1 };
}
