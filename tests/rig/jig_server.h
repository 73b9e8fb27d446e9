/* server: the plant's Modbus server by libmodbus, over TCP on loopback and over RTU on a pty of its
 * own, unit 1, and the faults of controller and wire. Coils and holding registers are the outputs,
 * discrete inputs and input registers the inputs (jig_plant.h); registers 0x1000 to 0x1008 are the
 * watchdog of a WAGO coupler.
 * Threads: one. Layer above: jig_main. Below: jig_plant, libmodbus. */
#ifndef TESTS_RIG_JIG_SERVER_H
#define TESTS_RIG_JIG_SERVER_H

#include "base/cleanup.h"
#include "tests/rig/jig_plant.h"

#include <limits.h>
#include <modbus/modbus.h>
#include <poll.h>

#define SERVER_PEERS_MAX 9 /* the RTU line and eight connections */
#define SERVER_POLLS (SERVER_PEERS_MAX + 1)

enum server_fault {
	FAULT_NONE,
	FAULT_LATE,   /* each answer so many ms late */
	FAULT_BEHIND, /* each request gets the answer to the one before */
	FAULT_ECHO,   /* writes are answered well and not carried out */
	FAULT_SILENT, /* requests are taken and neither carried out nor answered */
	FAULT_CABLE,  /* nothing arrives at all */
	FAULT_AWAY,   /* nobody is there: connections are refused */
};

struct server_answer {
	int64_t due_ms;
	size_t len;
	uint8_t bytes[MODBUS_TCP_MAX_ADU_LENGTH];
};

#define SERVER_ANSWERS_MAX 8

struct server_peer {
	int fd;	  /* -1: free */
	bool cut; /* its cable was pulled under it: what it sent is lost */
	struct server_answer answers[SERVER_ANSWERS_MAX];
	size_t answer_count;
};

struct server {
	struct plant *plant;
	modbus_t *tcp, *rtu;
	modbus_mapping_t *memory;
	int listen_fd, slave_fd;
	unsigned tcp_port; /* 0: no TCP */
	char pty[PATH_MAX];
	int capture[2]; /* libmodbus answers into [0] */
	enum server_fault fault;
	int64_t fault_ms, back_ms;		    /* of LATE; when AWAY is over */
	struct server_peer peers[SERVER_PEERS_MAX]; /* [0] is the RTU line */
	uint64_t requests;
};

/* `tcp_port` 0: any that is free. */
MUST_CHECK bool server_open(struct plant *plant, bool has_tcp, unsigned tcp_port, bool has_rtu,
			    struct server **ret_server, struct err *e);
void server_close(struct server *server);
AUTO_DEFINE(server, struct server *, server_close)

void server_fault(struct server *server, enum server_fault fault, int64_t ms, int64_t now_ms);

/* Fills in what is to be waited for; then does what came. */
void server_polls(const struct server *server, struct pollfd polls[static SERVER_POLLS]);
void server_work(struct server *server, const struct pollfd polls[static SERVER_POLLS],
		 int64_t now_ms);

#endif
