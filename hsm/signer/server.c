#include "hsm/signer/server.h"

#include "base/access.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/place.h"
#include "base/socket.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#define CLIENTS_MAX 256
#define CLIENTS_OF_ONE_USER 128 /* a station has one a nest, and a few */
#define STOP_MS 5000
#define DEAF_MS 1000 /* no caller is taken, once there was no descriptor for one */
#define FIXED 3	     /* descriptors in the poll set before the clients: signals, pool, listener */

struct client {
	int fd; /* -1: it hung up while its request was under way */
	bool busy;
	unsigned roles;
	uid_t uid;
	char name[NAME_MAX_LEN + 1];
};

struct server {
	struct signer *signer;
	int listen_fd, signal_fd;
	int64_t stop_ms; /* 0: not stopping */
	int64_t deaf_ms; /* until then */
	int64_t alive_ms, watchdog_ms;
	struct client *clients[CLIENTS_MAX];
	size_t count;
};

/* uid 0 has no implicit right; the station's user is only that, unless the settings say that this is
 * a training set-up. */
static unsigned roles_of(const struct settings *settings, const struct socket_peer *peer)
{
	unsigned roles = 0;

	for (size_t i = 0; i < settings->peer_count; i++)
		if (access_is(&(struct access_name) { .is_group = settings->peers[i].is_group,
						      .id = settings->peers[i].id },
			      peer))
			roles |= settings->peers[i].role;
	if ((roles & ROLE_STATION) && !settings->training)
		return ROLE_STATION;
	return roles;
}

const char *client_name(const struct client *client)
{
	return client->name;
}

static void client_free(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	free(client);
}

void client_answer(struct client *client, struct bytes record)
{
	struct err e;

	client->busy = false;
	if (client->fd < 0) {
		free(client); /* left the table when it hung up */
		return;
	}
	if (!socket_send(client->fd, record, -1, clock_monotonic_ms(), -1, &e)) {
		log_event(LOG_NOTICE, "a caller does not take its answer and is dropped", "user=%s",
			  client->name);
		shutdown(client->fd, SHUT_RDWR); /* the loop sees the hang-up */
	}
}

static void drop(struct server *server, size_t index)
{
	struct client *client = server->clients[index];

	server->clients[index] = server->clients[--server->count];
	if (!client->busy) {
		client_free(client);
		return;
	}
	close(client->fd);
	client->fd = -1;
}

static void name_peer(struct client *client)
{
	struct passwd user, *found = NULL;
	char buffer[2048];

	if (!getpwuid_r(client->uid, &user, buffer, sizeof(buffer), &found) && found)
		snprintf(client->name, sizeof(client->name), "%.40s (%u)", found->pw_name,
			 client->uid);
	else
		snprintf(client->name, sizeof(client->name), "uid %u", client->uid);
}

/* Nobody keeps the others out: a station that was taken over must not keep the supervisor from
 * closing its orders. */
static bool has_room(const struct server *server, uid_t uid)
{
	size_t of_user = 0;

	for (size_t i = 0; i < server->count; i++)
		of_user += server->clients[i]->uid == uid;
	return server->count < CLIENTS_MAX && of_user < CLIENTS_OF_ONE_USER;
}

static void take_caller(struct server *server)
{
	struct socket_peer peer;
	struct client *client;
	AUTO(fd) fd = -1;
	struct err e;

	if (!socket_accept(server->listen_fd, &fd, &e)) {
		log_event(LOG_ERR, "callers wait", "reason=\"%s\"", e.text);
		server->deaf_ms = clock_deadline(DEAF_MS);
		return;
	}
	if (fd < 0)
		return;
	if (!socket_peer(fd, &peer, &e) || !has_room(server, peer.uid)) {
		log_event(LOG_WARNING, "a caller is turned away", "callers=%zu", server->count);
		return;
	}
	client = calloc(1, sizeof(*client));
	if (!client)
		return;
	client->fd = TAKE_FD(fd);
	client->uid = peer.uid;
	client->roles = roles_of(&server->signer->settings, &peer);
	name_peer(client);
	server->clients[server->count++] = client;
}

static void answer_error(struct client *client, int code, const char *text)
{
	struct reply reply = { .type = REPLY_REFUSED, .code = (uint64_t)code };
	uint8_t record[REPLY_TEXT_MAX + 64];
	size_t len;

	snprintf(reply.text, sizeof(reply.text), "%s", text);
	if (reply_encode_into(&reply, record, sizeof(record), &len))
		client_answer(client, bytes_of(record, len));
}

static void take_request(struct server *server, struct client *client, struct bytes record,
			 int passed_fd)
{
	struct job *job = job_new(client, client->roles, record, passed_fd);
	char text[REPLY_TEXT_MAX];

	if (!job) {
		if (passed_fd >= 0)
			close(passed_fd);
		answer_error(client, REFUSAL_REQUEST, "the request makes no sense");
		return;
	}
	if (!(request_roles(job->request.type) & client->roles)) {
		snprintf(text, sizeof(text), "%s may not ask for \"%s\" here", client->name,
			 request_name(job->request.type));
		log_event(LOG_WARNING, "permission refused", "user=\"%s\" request=\"%s\"",
			  client->name, request_name(job->request.type));
		job_free(job);
		answer_error(client, REFUSAL_PERMISSION, text);
		return;
	}
	client->busy = true;
	signer_request(server->signer, job);
}

/* False if the client is gone. */
static bool read_client(struct server *server, struct client *client)
{
	static uint8_t record[SOCKET_RECORD_MAX];
	int passed_fd;
	size_t len;
	struct err e;

	if (!socket_receive(client->fd, record, &len, &passed_fd, clock_monotonic_ms(), -1, &e)) {
		if (passed_fd >= 0)
			close(passed_fd);
		return e.code == ERR_TIMEOUT;
	}
	take_request(server, client, bytes_of(record, len), passed_fd);
	return true;
}

static void read_clients(struct server *server, const struct pollfd *fds, size_t count)
{
	for (size_t i = count; i-- > 0;) {
		struct client *client = server->clients[i];
		short seen = fds[i].revents;

		if (!seen)
			continue;
		if (client->busy ? !(seen & (POLLHUP | POLLERR)) : read_client(server, client))
			continue;
		drop(server, i);
	}
}

static void stay_alive(struct server *server)
{
	int64_t now_ms = clock_monotonic_ms();

	if (!server->watchdog_ms || now_ms - server->alive_ms < server->watchdog_ms / 3)
		return;
	server->alive_ms = now_ms;
	notify_send("WATCHDOG=1");
}

static void take_signal(struct server *server)
{
	struct signalfd_siginfo info;

	if (read(server->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	log_event(LOG_NOTICE, "signer stops", "signal=%u", info.ssi_signo);
	notify_send("STOPPING=1");
	server->stop_ms = clock_deadline(STOP_MS);
}

static bool turn(struct server *server, struct err *e)
{
	struct pollfd fds[FIXED + CLIENTS_MAX];
	size_t count = server->count;
	bool stopping = server->stop_ms;
	bool deaf = clock_monotonic_ms() < server->deaf_ms;
	int wait_ms = signer_turn(server->signer);

	if (deaf && (wait_ms < 0 || wait_ms > DEAF_MS))
		wait_ms = DEAF_MS;
	fds[0] = (struct pollfd) { .fd = server->signal_fd, .events = POLLIN };
	fds[1] = (struct pollfd) { .fd = pool_fd(server->signer->pool), .events = POLLIN };
	fds[2] = (struct pollfd) { .fd = stopping || deaf ? -1 : server->listen_fd,
				   .events = POLLIN };
	for (size_t i = 0; i < count; i++)
		fds[FIXED + i] =
			(struct pollfd) { .fd = server->clients[i]->fd,
					  .events = server->clients[i]->busy || stopping ? 0
											 : POLLIN };
	if (poll(fds, FIXED + count, wait_ms) < 0 && errno != EINTR)
		return err_errno(e, ERR_SYSTEM, "waiting for callers failed");
	if (fds[0].revents)
		take_signal(server);
	read_clients(server, fds + FIXED, count);
	if (fds[2].revents)
		take_caller(server);
	stay_alive(server);
	return true;
}

static bool open_sockets(struct server *server, struct err *e)
{
	AUTO(fd) dir = -1;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	server->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (server->signal_fd < 0)
		return err_errno(e, ERR_SYSTEM, "no signalfd to be had");
	server->listen_fd = notify_listen_fd();
	return server->listen_fd >= 0 ||
	       (place_open(PLACE_RUN_SIGNER, true, &dir, e) &&
		socket_listen(dir, SIGNER_SOCKET, 0660, &server->listen_fd, e));
}

bool server_run(struct signer *s, struct err *e)
{
	struct server server = { .signer = s, .watchdog_ms = notify_watchdog_ms() };
	bool ok = open_sockets(&server, e);

	if (ok) {
		notify_send("READY=1");
		log_event(LOG_INFO, "signer ready", "station=%s sessions=%u training=%s",
			  s->settings.station, s->settings.token.sessions,
			  s->settings.training ? "yes" : "no");
	}
	while (ok && (!server.stop_ms || (s->job_count && clock_monotonic_ms() < server.stop_ms)))
		ok = turn(&server, e);
	while (server.count > 0)
		drop(&server, server.count - 1);
	return ok;
}
