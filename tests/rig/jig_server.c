#include "tests/rig/jig_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pty.h>
#include <string.h>
#include <sys/socket.h>

#define UNIT 1
#define STALL_US 20000 /* a bad client may hold up the others for so long */
#define BACKLOG 8
#define WAGO 0x1000
#define REGISTERS (WAGO + 16)
#define BITS ((PLANT_BACK + PLANT_OUT_WORDS) * 16)

enum { WAGO_TIME, WAGO_MASK, WAGO_TRIGGER = 3, WAGO_STATUS = 6, WAGO_RESTART };
enum function {
	READ_COILS = 1,
	READ_BITS,
	READ_HOLDING,
	READ_INPUTS,
	WRITE_COIL,
	WRITE_REGISTER,
	WRITE_COILS = 15,
	WRITE_REGISTERS
};

/* --- the memory that libmodbus answers from --- */

static void put_words(uint8_t *bits, uint16_t *registers, const uint16_t *words, size_t count)
{
	memcpy(registers, words, count * sizeof(*words));
	for (size_t i = 0; i < count * 16; i++)
		bits[i] = words[i / 16] >> (i % 16) & 1;
}

static void fill_memory(struct server *server)
{
	const struct plant *plant = server->plant;
	modbus_mapping_t *m = server->memory;

	put_words(m->tab_input_bits, m->tab_input_registers, plant->in, PLANT_IN_WORDS);
	put_words(m->tab_bits, m->tab_registers, plant->wanted, PLANT_OUT_WORDS);
	put_words(m->tab_bits + PLANT_BACK * 16, m->tab_registers + PLANT_BACK, plant->out,
		  PLANT_OUT_WORDS);
	m->tab_registers[WAGO + WAGO_STATUS] = plant->watchdog;
	if (plant->watchdog != WATCHDOG_OFF)
		m->tab_registers[WAGO + WAGO_TIME] = (uint16_t)(plant->watchdog_ms / 100);
	m->tab_registers[WAGO + WAGO_RESTART] = 0;
}

static void carry_out_watchdog(struct server *server, uint16_t trigger_before, int64_t now_ms)
{
	uint16_t *wago = &server->memory->tab_registers[WAGO];
	struct plant *plant = server->plant;

	if (wago[WAGO_RESTART] == 1 && plant->watchdog == WATCHDOG_EXPIRED) {
		plant->power_withheld = false;
		plant_alive(plant, now_ms);
	}
	if (wago[WAGO_TRIGGER] != trigger_before && plant->watchdog != WATCHDOG_EXPIRED) {
		if (plant->watchdog == WATCHDOG_OFF && wago[WAGO_TIME])
			plant->watchdog_ms = wago[WAGO_TIME] * 100u;
		plant_alive(plant, now_ms);
	}
}

static void carry_out(struct server *server, enum function function, int64_t now_ms)
{
	uint16_t out[PLANT_OUT_WORDS] = { 0 };

	memcpy(out, server->memory->tab_registers, sizeof(out));
	if (function == WRITE_COIL || function == WRITE_COILS) {
		memset(out, 0, sizeof(out));
		for (size_t i = 0; i < PLANT_OUT_WORDS * 16; i++)
			out[i / 16] |= (uint16_t)(server->memory->tab_bits[i] << (i % 16));
	}
	plant_write(server->plant, out, now_ms);
}

/* --- answers --- */

static void send_answer(struct server_peer *peer, const struct server_answer *answer)
{
	if (peer->fd >= 0 && write(peer->fd, answer->bytes, answer->len) < 0)
		return; /* its client will notice */
}

static void drop_answers(struct server_peer *peer, size_t count)
{
	peer->answer_count -= count;
	memmove(peer->answers, peer->answers + count, peer->answer_count * sizeof(*peer->answers));
}

static void send_due(struct server *server, struct server_peer *peer, int64_t now_ms)
{
	while (peer->answer_count && server->fault != FAULT_BEHIND &&
	       peer->answers[0].due_ms <= now_ms) {
		send_answer(peer, &peer->answers[0]);
		drop_answers(peer, 1);
	}
}

static void queue_answer(struct server *server, struct server_peer *peer, int64_t now_ms)
{
	struct server_answer *answer = &peer->answers[peer->answer_count];
	ssize_t len = recv(server->capture[1], answer->bytes, sizeof(answer->bytes), MSG_DONTWAIT);

	if (len <= 0)
		return;
	answer->len = (size_t)len;
	answer->due_ms = now_ms + (server->fault == FAULT_LATE ? server->fault_ms : 0);
	if (++peer->answer_count < 2 || server->fault != FAULT_BEHIND) {
		if (peer->answer_count == SERVER_ANSWERS_MAX)
			drop_answers(peer, 1);
		return;
	}
	send_answer(peer, &peer->answers[0]);
	drop_answers(peer, 1);
}

/* libmodbus answers into our own socket, so that the answer may be kept back. */
static void answer(struct server *server, struct server_peer *peer, modbus_t *context,
		   const uint8_t *query, int len, int64_t now_ms)
{
	enum function function = query[modbus_get_header_length(context)];
	uint16_t trigger = server->memory->tab_registers[WAGO + WAGO_TRIGGER];

	server->requests++;
	server->plant->asked_ms = now_ms;
	if (server->fault == FAULT_SILENT)
		return;
	if (function == READ_BITS || function == READ_INPUTS)
		server->plant->sampled_ms = now_ms;
	fill_memory(server);
	modbus_set_socket(context, server->capture[0]);
	modbus_reply(context, query, len, server->memory);
	if (function >= WRITE_COIL && server->fault != FAULT_ECHO) {
		carry_out_watchdog(server, trigger, now_ms);
		carry_out(server, function, now_ms);
	}
	queue_answer(server, peer, now_ms);
}

/* --- peers --- */

static bool is_rtu(const struct server *server, const struct server_peer *peer)
{
	return peer == &server->peers[0];
}

static void drop_peer(struct server *server, struct server_peer *peer)
{
	peer->answer_count = 0;
	peer->cut = false;
	if (is_rtu(server, peer) || peer->fd < 0)
		return;
	close(peer->fd);
	peer->fd = -1;
}

static void serve_peer(struct server *server, struct server_peer *peer, int64_t now_ms)
{
	modbus_t *context = is_rtu(server, peer) ? server->rtu : server->tcp;
	uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
	int len;

	if (is_rtu(server, peer) && (server->fault == FAULT_CABLE || server->fault == FAULT_AWAY)) {
		if (read(peer->fd, query, sizeof(query)) < 0)
			peer->answer_count = 0;
		return;
	}
	modbus_set_socket(context, peer->fd);
	len = modbus_receive(context, query);
	if (len < 0)
		drop_peer(server, peer);
	else if (len > 0)
		answer(server, peer, context, query, len, now_ms);
}

static void accept_peer(struct server *server)
{
	int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC), yes = 1;

	for (size_t i = 1; fd >= 0 && i < SERVER_PEERS_MAX; i++) {
		if (server->peers[i].fd >= 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		server->peers[i].fd = fd;
		server->peers[i].answer_count = 0;
		server->peers[i].cut = false;
		return;
	}
	if (fd >= 0)
		close(fd);
}

static bool listen_tcp(struct server *server, struct err *e)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)server->tcp_port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	AUTO(fd) fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot listen on port %u", server->tcp_port);
	server->tcp_port = ntohs(address.sin_port);
	server->listen_fd = TAKE_FD(fd);
	return true;
}

/* The slave side stays open here, so that the line outlives each client. */
static bool open_pty(struct server *server, struct err *e)
{
	struct termios raw;

	cfmakeraw(memset(&raw, 0, sizeof(raw)));
	raw.c_cflag |= CREAD | CLOCAL;
	if (openpty(&server->peers[0].fd, &server->slave_fd, server->pty, &raw, NULL) < 0 ||
	    fcntl(server->peers[0].fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(server->slave_fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make a pty");
	server->rtu = modbus_new_rtu(server->pty, 19200, 'N', 8, 1);
	if (!server->rtu || modbus_set_slave(server->rtu, UNIT) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make an RTU server");
	modbus_set_response_timeout(server->rtu, 0, STALL_US);
	modbus_set_byte_timeout(server->rtu, 0, STALL_US);
	return true;
}

bool server_open(struct plant *plant, bool has_tcp, unsigned tcp_port, bool has_rtu,
		 struct server **ret_server, struct err *e)
{
	AUTO(server) server = calloc(1, sizeof(*server));

	if (!server)
		return err_errno(e, ERR_SYSTEM, "no memory for a server");
	server->plant = plant;
	server->tcp_port = tcp_port;
	server->listen_fd = server->slave_fd = server->capture[0] = server->capture[1] = -1;
	for (size_t i = 0; i < SERVER_PEERS_MAX; i++)
		server->peers[i].fd = -1;
	server->memory = modbus_mapping_new(BITS, PLANT_IN_WORDS * 16, REGISTERS, PLANT_IN_WORDS);
	server->tcp = modbus_new_tcp("127.0.0.1", 1502);
	if (!server->memory || !server->tcp ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, server->capture) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot make a server");
	modbus_set_response_timeout(server->tcp, 0, STALL_US);
	modbus_set_byte_timeout(server->tcp, 0, STALL_US);
	if ((has_tcp && !listen_tcp(server, e)) || (has_rtu && !open_pty(server, e)))
		return false;
	*ret_server = TAKE(server);
	return true;
}

void server_close(struct server *server)
{
	int fds[] = { server ? server->listen_fd : -1, server ? server->slave_fd : -1,
		      server ? server->capture[0] : -1, server ? server->capture[1] : -1 };

	if (!server)
		return;
	for (size_t i = 0; i < SERVER_PEERS_MAX; i++)
		if (server->peers[i].fd >= 0)
			close(server->peers[i].fd);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	modbus_free(server->tcp);
	modbus_free(server->rtu);
	modbus_mapping_free(server->memory);
	free(server);
}

/* --- faults --- */

static void go_away(struct server *server)
{
	plant_restart(server->plant);
	for (size_t i = 0; i < SERVER_PEERS_MAX; i++)
		drop_peer(server, &server->peers[i]);
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	server->listen_fd = -1;
}

static void come_back(struct server *server)
{
	struct err e;

	if (server->listen_fd < 0 && server->tcp_port && !listen_tcp(server, &e))
		return; /* the port is still in use: tried again with the next tick */
	server->fault = FAULT_NONE;
	server->plant->bus_fault = false;
}

void server_fault(struct server *server, enum server_fault fault, int64_t ms, int64_t now_ms)
{
	if (server->fault == FAULT_AWAY)
		come_back(server);
	server->fault = fault;
	server->fault_ms = ms;
	server->back_ms = now_ms + ms;
	server->plant->bus_fault = fault != FAULT_NONE;
	for (size_t i = 0; i < SERVER_PEERS_MAX; i++)
		server->peers[i].cut |= fault == FAULT_CABLE;
	if (fault == FAULT_AWAY)
		go_away(server);
}

/* --- the loop's part --- */

void server_polls(const struct server *server, struct pollfd polls[static SERVER_POLLS])
{
	bool pulled = server->fault == FAULT_CABLE;

	for (size_t i = 0; i < SERVER_PEERS_MAX; i++)
		polls[i] = (struct pollfd) { .fd = pulled && i ? -1 : server->peers[i].fd,
					     .events = POLLIN };
	polls[SERVER_PEERS_MAX] =
		(struct pollfd) { .fd = pulled ? -1 : server->listen_fd, .events = POLLIN };
}

void server_work(struct server *server, const struct pollfd polls[static SERVER_POLLS],
		 int64_t now_ms)
{
	if (server->fault == FAULT_AWAY && now_ms >= server->back_ms)
		come_back(server);
	for (size_t i = 0; i < SERVER_PEERS_MAX; i++) {
		struct server_peer *peer = &server->peers[i];

		if (peer->cut && server->fault != FAULT_CABLE)
			drop_peer(server, peer);
		else if (polls[i].revents && polls[i].fd == peer->fd && peer->fd >= 0)
			serve_peer(server, peer, now_ms);
		send_due(server, peer, now_ms);
	}
	if (polls[SERVER_PEERS_MAX].revents && server->listen_fd >= 0)
		accept_peer(server);
}
