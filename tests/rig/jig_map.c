#include "tests/rig/jig_map.h"

#include <stdio.h>
#include <string.h>

#define POLL_MS 50
#define CLAMP_MS 1500 /* also on a busy machine */

struct row {
	const char *name;
	unsigned bit; /* of the table */
	bool is_output, is_list;
};

static const struct row rows[] = {
	{ "estop_ok", IN_ESTOP_OK, false, false },
	{ "lid_closed", IN_LID_CLOSED, false, false },
	{ "lid_locked", IN_LID_LOCKED, false, false },
	{ "clamped", IN_CLAMPED, false, false },
	{ "clamp_open", IN_CLAMP_OPEN, false, false },
	{ "start", IN_START, false, false },
	{ "reset", IN_RESET, false, false },
	{ "air_ok", IN_AIR_OK, false, false },
	{ "automatic", IN_AUTOMATIC, false, false },
	{ "present", WORD_PRESENT * 16, false, true },
	{ "power_ok", WORD_POWER_OK * 16, false, true },
	{ "clamp", OUT_CLAMP, true, false },
	{ "lid_lock", OUT_LID_LOCK, true, false },
	{ "red", OUT_RED, true, false },
	{ "amber", OUT_AMBER, true, false },
	{ "green", OUT_GREEN, true, false },
	{ "buzzer", OUT_BUZZER, true, false },
	{ "busy", OUT_BUSY, true, false },
	{ "power", WORD_POWER * 16, true, true },
	{ "lamp_pass", WORD_LAMP_PASS * 16, true, true },
	{ "lamp_fail", WORD_LAMP_FAIL * 16, true, true },
};

static void write_line(FILE *file, const struct server *server, const char *name, bool is_tcp)
{
	fprintf(file, "    - name: %s\n", name);
	if (is_tcp)
		fprintf(file, "      tcp: \"127.0.0.1:%u\"\n", server->tcp_port);
	else
		fprintf(file, "      rtu: { port: %s, baud: 19200, parity: none }\n", server->pty);
	fprintf(file, "      poll_ms: %d\n", POLL_MS);
}

static void write_buses(FILE *file, const struct server *server, bool both, enum map_style style)
{
	write_line(file, server, "plc", server->tcp_port);
	if (style == MAP_REGISTERS)
		fprintf(file, "      heartbeat: %d\n", WORD_HEARTBEAT);
	if (style == MAP_REGISTERS && !both)
		fprintf(file, "      keepalive: { kind: counter, address: %d, echo: %d }\n",
			WORD_COUNTER, WORD_ECHO);
	if (both) {
		fprintf(file, "      keepalive: { kind: traffic }\n");
		write_line(file, server, "out", false);
	}
	if (both || style == MAP_BITS)
		fprintf(file, "      keepalive: { kind: watchdog-restart, timeout_ms: %u }\n",
			server->plant->watchdog_ms);
}

static void write_place(FILE *file, const char *kind, unsigned bit, enum map_style style)
{
	if (style == MAP_REGISTERS)
		fprintf(file, "table: %s-register, address: %u, bit: %u", kind, bit / 16, bit % 16);
	else
		fprintf(file, "table: %s, address: %u",
			strcmp(kind, "input") == 0 ? "discrete-input" : "coil", bit);
}

static void write_row(FILE *file, const struct row *row, const char *bus, enum map_style style)
{
	fprintf(file, "    %s:%s{ ", row->name, row->is_list ? "\n      - " : " ");
	if (bus)
		fprintf(file, "bus: %s, ", bus);
	write_place(file, row->is_output ? "holding" : "input", row->bit, style);
	if (row->is_output) {
		fprintf(file, ", read_back: { ");
		write_place(file, "holding", row->bit + PLANT_BACK * 16, style);
		fprintf(file, " }");
	}
	fprintf(file, " }\n");
}

/* With both lines the inputs come over TCP, the outputs go over RTU. */
bool map_write(const struct server *server, const char *path, enum map_style style, struct err *e)
{
	bool both = server->tcp_port && server->rtu;
	AUTO(FILE) file = fopen(path, "w");

	if (!file)
		return err_errno(e, ERR_SYSTEM, "cannot write %s", path);
	fprintf(file, "jig:\n  buses:\n");
	write_buses(file, server, both, style);
	fprintf(file, "  signals:\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		write_row(file, &rows[i], !both ? NULL : rows[i].is_output ? "out" : "plc", style);
	fprintf(file, "  timing: { clamp_ms: %d, settle_ms: %u }\n", CLAMP_MS,
		300 / server->plant->speed);
	return fflush(file) == 0 || err_errno(e, ERR_SYSTEM, "cannot write %s", path);
}
