#include "cloud/rehearsal/launch/service.h"

#include "base/clock.h"
#include "base/wait.h"
#include "cloud/rehearsal/journal.h"
#include "cloud/rehearsal/json.h"
#include "cloud/rehearsal/launch/broker.h"
#include "cloud/rehearsal/launch/folder.h"
#include "cloud/rehearsal/launch/home.h"
#include "cloud/rehearsal/launch/material.h"
#include "cloud/rehearsal/query.h"
#include "cloud/rehearsal/rest/hook.h"
#include "cloud/rehearsal/rest/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#define SETTING_SIZE 64
#define LOG_LOOK_MS 1000

struct service {
	const char *dir;
	struct settings settings; /* with the ports that were found */
	char region[SETTING_SIZE], account[SETTING_SIZE];
	struct registry *registry;
	struct dispatch dispatch;
	struct server *server;
	struct hook *hook;
	struct home home;
	char **environment;
	struct broker broker;
	int stop_fd;
};

/* --- what it stands on --- */

static bool begin(struct service *s, struct err *e)
{
	AUTO(fd) log = open(FILE_LOG, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	AUTO(fd) null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t stop;

	if (log < 0 || null < 0)
		return err_errno(e, ERR_SYSTEM, "cannot write the log");
	dup2(null, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	journal_open(STDERR_FILENO);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGHUP);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	s->stop_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->stop_fd >= 0 || err_errno(e, ERR_SYSTEM, "no signal descriptor");
}

/* ARNs hold region and account: they cannot change under those that are there. */
static bool settle(struct service *s, const char *name, const char *wanted, char *ret_value,
		   struct err *e)
{
	int64_t count;

	if (!registry_setting(s->registry, name, ret_value, SETTING_SIZE, e) ||
	    !query_number(registry_database(s->registry),
			  "SELECT (SELECT count(*) FROM ca) + (SELECT count(*) FROM certificate)"
			  " + (SELECT count(*) FROM policy) + (SELECT count(*) FROM thing)",
			  NULL, &count, e))
		return false;
	if (!wanted || !strcmp(wanted, ret_value))
		return true;
	if (count)
		return err_set(e, ERR_REFUSED,
			       "the rehearsal in this folder is of %s %s; take another folder for "
			       "another one",
			       name, ret_value);
	snprintf(ret_value, SETTING_SIZE, "%s", wanted);
	return registry_set(s->registry, name, wanted, e);
}

static bool open_registry(struct service *s, struct err *e)
{
	return registry_open(FILE_REGISTRY, &s->registry, e) &&
	       settle(s, "region", s->settings.region, s->region, e) &&
	       settle(s, "account", s->settings.account, s->account, e);
}

static bool start_rest(struct service *s, struct err *e)
{
	s->dispatch = (struct dispatch) {
		.registry = s->registry,
		.key = { SETTINGS_ACCESS_KEY, SETTINGS_SECRET_KEY, s->settings.session_token },
		.unsigned_too = s->settings.unsigned_too,
	};
	if (!server_start(&s->dispatch, s->settings.rest_port, &s->server, e))
		return false;
	s->settings.rest_port = server_port(s->server);
	s->home = (struct home) { .dir = s->dir,
				  .region = s->region,
				  .session_token = s->settings.session_token,
				  .rest_port = s->settings.rest_port };
	return home_make(&s->home, e);
}

static bool start_broker(struct service *s, struct err *e)
{
	AUTO(fd) mqtt_fd = -1;
	AUTO(fd) event_fd = -1;

	return broker_port(&s->settings.mqtt_port, "--mqtt-port", &mqtt_fd, e) &&
	       broker_port(&s->settings.event_port, "--event-port", &event_fd, e) &&
	       broker_start(s->dir, &s->settings, s->stop_fd, &s->broker, e);
}

static bool start_hook(struct service *s, struct err *e)
{
	if (!s->settings.on_register)
		return true;
	return home_environment(&s->home, &s->environment, e) &&
	       hook_start(FILE_REGISTRY, s->settings.on_register, s->environment, &s->hook, e);
}

/* --- ready --- */

static char *describe(const struct service *s)
{
	char url[64];
	AUTO(json) state = NULL;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u", s->settings.rest_port);
	state = json_pack("{s:s, s:s, s:i, s:i, s:s+, s:s+, s:s+, s:s, s:s, s:i}", "rest_url", url,
			  "mqtt_host", "localhost", "mqtt_port", s->settings.mqtt_port,
			  "event_port", s->settings.event_port, "root_cert", s->dir, "/" FILE_ROOT,
			  "home", s->dir, "/" FOLDER_HOME, "log", s->dir, "/" FILE_LOG, "region",
			  s->region, "account", s->account, "pid", (int)getpid());
	return state ? json_dumps(state, JSON_COMPACT) : NULL;
}

static bool report(const struct service *s, int report_fd, struct err *e)
{
	AUTO_FREE char *state = describe(s);

	if (!state)
		return err_set(e, ERR_SYSTEM, "no memory, or the folder's path is no UTF-8");
	if (!folder_write(FILE_STATE, 0644, "%s\n", state))
		return err_errno(e, ERR_SYSTEM, "cannot write " FILE_STATE);
	if (!folder_sign_in(e))
		return false;
	prctl(PR_SET_PDEATHSIG, 0);
	if (write(report_fd, state, strlen(state)) < 0)
		return err_errno(e, ERR_SYSTEM, "nobody waits for the rehearsal");
	return true;
}

static bool start(struct service *s, int report_fd, struct err *e)
{
	return begin(s, e) && open_registry(s, e) && material_make(e) && start_rest(s, e) &&
	       start_broker(s, e) && start_hook(s, e) && report(s, report_fd, e);
}

static void stop(struct service *s)
{
	hook_stop(s->hook);
	home_environment_free(s->environment);
	broker_stop(&s->broker);
	server_stop(s->server);
	registry_close(s->registry);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	if (folder_running() == getpid())
		unlink(FILE_PID);
}

static bool keep_log(off_t size)
{
	AUTO(fd) from = open(FILE_LOG, O_RDONLY | O_CLOEXEC);
	AUTO(fd)
	to = open(FILE_OLD_LOG, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t copied = from < 0 || to < 0 ? -1 : 1;

	while (copied > 0 && size > 0) {
		copied = copy_file_range(from, NULL, to, NULL, (size_t)size, 0);
		size -= copied;
	}
	return copied >= 0;
}

/* A device that floods must not fill the disk. Both processes append, and so can begin anew. */
static void bound_log(void)
{
	struct stat status;

	if (fstat(STDERR_FILENO, &status) < 0 || status.st_size <= LOG_MAX)
		return;
	if (!keep_log(status.st_size))
		unlink(FILE_OLD_LOG);
	if (ftruncate(STDERR_FILENO, 0) == 0)
		journal_say("the log was longer than %d MB; that part is in " FILE_OLD_LOG,
			    LOG_MAX >> 20);
}

/* False: it was told to end, before mosquitto did. */
static bool broker_ends(const struct service *s, struct err *e)
{
	while (!wait_for(s->broker.fd, POLLIN, clock_deadline(LOG_LOOK_MS), s->stop_fd, NULL, e)) {
		if (e->code != ERR_TIMEOUT)
			return false;
		bound_log();
	}
	return true;
}

int service_run(const char *dir, const struct settings *settings, int report_fd)
{
	struct service s = { .dir = dir, .settings = *settings, .broker.fd = -1, .stop_fd = -1 };
	struct err e;
	bool started = start(&s, report_fd, &e);

	if (started) {
		journal_say("the rehearsal is up: http://127.0.0.1:%u, mqtt localhost:%u",
			    s.settings.rest_port, s.settings.mqtt_port);
		close(report_fd); /* now `up` returns */
		if (broker_ends(&s, &e))
			journal_say("mosquitto ended by itself: the rehearsal ends, too");
		journal_say("the rehearsal is down");
	} else if (dprintf(report_fd, "!%s", e.text) < 0) {
		journal_say("%s", e.text); /* nobody waits any more */
	}
	stop(&s);
	return started ? EXIT_SUCCESS : EXIT_FAILURE;
}
