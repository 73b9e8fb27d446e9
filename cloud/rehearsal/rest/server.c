#include "cloud/rehearsal/rest/server.h"

#include "cloud/rehearsal/journal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>

struct server {
	struct MHD_Daemon *daemon;
	const struct dispatch *dispatch;
	uint16_t port;
};

/* One request while it comes in. */
struct exchange {
	char target[REST_TARGET_MAX + 2]; /* raw; longer ones are cut, which the parser sees */
	struct rest_header headers[REST_HEADERS_MAX];
	size_t header_count;
	uint8_t *body;
	size_t len;
	bool started, too_large;
};

/* --- a request comes in --- */

/* The first that is heard of a request: its target as it was sent. */
static void *begin(void *context, const char *target, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof(*x));

	(void)context;
	(void)connection;
	if (x)
		snprintf(x->target, sizeof(x->target), "%s", target);
	return x;
}

static void end(void *context, struct MHD_Connection *connection, void **state,
		enum MHD_RequestTerminationCode why)
{
	struct exchange *x = *state;

	(void)context;
	(void)connection;
	(void)why;
	if (x)
		free(x->body);
	free(x);
	*state = NULL;
}

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	struct exchange *x = context;

	(void)kind;
	if (x->header_count == REST_HEADERS_MAX) {
		x->too_large = true;
		return MHD_NO;
	}
	x->headers[x->header_count++] = (struct rest_header) { name, value ? value : "" };
	return MHD_YES;
}

/* Up to the limit. */
static void take_body(struct exchange *x, const char *data, size_t len)
{
	uint8_t *body;

	if (x->too_large || len > REST_BODY_MAX - x->len) {
		x->too_large = true;
		return;
	}
	body = realloc(x->body, x->len + len);
	if (!body) {
		x->too_large = true;
		return;
	}
	x->body = body;
	memcpy(x->body + x->len, data, len);
	x->len += len;
}

/* --- and is answered --- */

static struct MHD_Response *make_response(struct rest_reply *reply)
{
	const char *type = reply->content_type ? reply->content_type : "application/json";
	struct MHD_Response *response = MHD_create_response_from_buffer(
		reply->len, reply->body ? (void *)reply->body : (void *)"", MHD_RESPMEM_MUST_COPY);

	if (!response)
		return NULL;
	MHD_add_response_header(response, "Content-Type", type);
	if (reply->error)
		MHD_add_response_header(response, "x-amzn-ErrorType", reply->error);
	for (size_t i = 0; i < REST_REPLY_HEADERS_MAX && reply->headers[i].name; i++)
		MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
	return response;
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct rest_reply *reply)
{
	struct MHD_Response *response = make_response(reply);
	enum MHD_Result rc = MHD_NO;

	if (response) {
		rc = MHD_queue_response(connection, (unsigned)reply->status, response);
		MHD_destroy_response(response);
	}
	rest_reply_free(reply);
	return rc;
}

static enum MHD_Result answer(struct server *s, struct MHD_Connection *connection,
			      const char *method, struct exchange *x)
{
	struct rest_request request = { .method = method,
					.target = x->target,
					.headers = x->headers,
					.header_count = x->header_count,
					.body = bytes_of(x->body, x->len) };
	struct rest_reply reply = { 0 };

	if (x->too_large) {
		rest_refuse(&reply, 413, "RequestEntityTooLargeException",
			    "the request is too large");
		journal_say("a request was refused: it is too large");
	} else {
		dispatch_answer(s->dispatch, &request, &reply);
	}
	return send_reply(connection, &reply);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *data_len, void **state)
{
	struct exchange *x = *state;

	(void)url;
	(void)version;
	if (!x)
		return MHD_NO;
	if (!x->started) {
		x->started = true;
		MHD_get_connection_values(connection, MHD_HEADER_KIND, take_header, x);
		return MHD_YES;
	}
	if (*data_len == 0)
		return answer(context, connection, method, x);
	take_body(x, data, *data_len);
	*data_len = 0;
	return MHD_YES;
}

/* --- start and stop --- */

static bool find_port(struct server *s, struct err *e)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);

	if (!info)
		return err_set(e, ERR_SYSTEM, "cannot see the REST server's port");
	s->port = info->port;
	return true;
}

static struct MHD_Daemon *listen_on(struct server *s, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, port, NULL, NULL, handle, s,
				MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_URI_LOG_CALLBACK, begin,
				s, MHD_OPTION_NOTIFY_COMPLETED, end, s, MHD_OPTION_CONNECTION_LIMIT,
				(unsigned)SERVER_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
				(unsigned)SERVER_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				(size_t)SERVER_HEAD_MAX, MHD_OPTION_END);
}

bool server_start(const struct dispatch *d, uint16_t port, struct server **ret_server,
		  struct err *e)
{
	AUTO(server) s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ERR_SYSTEM, "no memory for the REST server");
	s->dispatch = d;
	errno = 0;
	s->daemon = listen_on(s, port);
	if (!s->daemon && errno == EADDRINUSE)
		return err_set(e, ERR_BUSY,
			       "port %u of 127.0.0.1 is taken by another program; choose one with "
			       "--rest-port, or 0 for any",
			       port);
	if (!s->daemon)
		return err_errno(e, ERR_SYSTEM, "cannot start the REST server on port %u", port);
	if (!find_port(s, e))
		return false;
	*ret_server = TAKE(s);
	return true;
}

uint16_t server_port(const struct server *s)
{
	return s->port;
}

void server_stop(struct server *s)
{
	if (!s)
		return;
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	free(s);
}
