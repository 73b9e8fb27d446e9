/* A Modbus module that lies: its answers go through libmodbus to the bus, and what was read to the
 * mirror, as fixtures/jig does it. The far end is a socket, and libmodbus's waiting is this file's
 * own, so that nothing takes time. The first byte picks the jig; then come cycles:
 *	ms/4, wish, count, and so many answers, each its length and its bytes from the function on
 * A cycle without enough answers runs into the timeout. Whatever was said: a board has power only
 * while the last samples show e-stop, lid, air and the board itself as they must be, on a bus that
 * answers, and never after a trip. */
#include "base/bytes.h"
#include "fixtures/bus.h"
#include "fixtures/mirror.h"

#include <assert.h>
#include <modbus/modbus.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>

#define NESTS 16
#define HEADER_LEN 7 /* transaction[2] 0[2] length[2] unit */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- the module --- */

static struct {
	int near, far; /* -1: nobody is connected */
	struct bytes answers;
	unsigned left; /* answers of this cycle */
} module = { -1, -1, { 0 }, 0 };

static uint8_t take(struct bytes *input)
{
	uint8_t byte = input->len > 0 ? input->data[0] : 0;

	if (input->len > 0)
		*input = bytes_of(input->data + 1, input->len - 1);
	return byte;
}

static void hang_up(void)
{
	if (module.far >= 0)
		close(module.far);
	module.near = module.far = -1;
}

int modbus_connect(modbus_t *modbus)
{
	int ends[2];

	hang_up();
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	module.near = ends[0];
	module.far = ends[1];
	return modbus_set_socket(modbus, module.near);
}

static void answer(const uint8_t *request)
{
	uint8_t answer[HEADER_LEN + UINT8_MAX] = { request[0], request[1], 0, 0, 0, 0, request[6] };
	size_t len = take(&module.answers);

	module.left--;
	len = len < module.answers.len ? len : module.answers.len;
	answer[5] = (uint8_t)(len + 1);
	memcpy(answer + HEADER_LEN, module.answers.data, len);
	module.answers = bytes_of(module.answers.data + len, module.answers.len - len);
	assert(send(module.far, answer, HEADER_LEN + len, MSG_NOSIGNAL) >= 0);
}

/* libmodbus waits with it: a request that has come is answered, or never. */
int select(int count, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict others,
	   struct timeval *restrict timeout)
{
	uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH], byte;

	(void)count;
	(void)reads;
	(void)writes;
	(void)others;
	(void)timeout;
	if (recv(module.far, request, sizeof(request), MSG_DONTWAIT) >= HEADER_LEN && module.left)
		answer(request);
	return recv(module.near, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* --- the jigs --- */

static const char plc[] =
	"jig:\n"
	"  buses:\n"
	"    - { name: plc, tcp: \"127.0.0.1:502\", heartbeat: 1,\n"
	"        keepalive: { kind: counter, address: 1, echo: 2 } }\n"
	"  signals:\n"
	"    estop_ok: { table: input-register, address: 0, bit: 0 }\n"
	"    lid_closed: { table: input-register, address: 0, bit: 1 }\n"
	"    clamped: { table: input-register, address: 0, bit: 3, debounce_ms: 20 }\n"
	"    clamp_open: { table: input-register, address: 0, bit: 4, inverted: yes }\n"
	"    start: { table: input-register, address: 0, bit: 5 }\n"
	"    air_ok: { table: input-register, address: 0, bit: 7 }\n"
	"    present: [ { table: input-register, address: 3 } ]\n"
	"    power_ok: [ { table: input-register, address: 7 } ]\n"
	"    clamp: { table: holding-register, address: 0, bit: 0 }\n"
	"    power: [ { table: holding-register, address: 2 } ]\n";
static const char wago[] =
	"jig:\n"
	"  buses:\n"
	"    - { name: wago, tcp: \"127.0.0.1:502\",\n"
	"        keepalive: { kind: watchdog-restart, timeout_ms: 1000 } }\n"
	"  signals:\n"
	"    estop_ok: { table: discrete-input, address: 0 }\n"
	"    lid_closed: { table: discrete-input, address: 1 }\n"
	"    present: [ { table: discrete-input, address: 8 } ]\n"
	"    power: [ { table: coil, address: 8, read_back: { table: coil, address: 520 } } ]\n"
	"    red: { table: coil, address: 2, read_back: { table: coil, address: 514 } }\n";

static const struct map *map_of(unsigned index)
{
	static const char *const texts[] = { plc, wago };
	static struct map maps[2];
	static bool loaded;
	static char names[NESTS][4];
	static const char *nests[NESTS];

	for (unsigned i = 0; !loaded && i < 2; i++) {
		AUTO(fd) fd = memfd_create("map", MFD_CLOEXEC);
		char path[32];
		struct err e;

		for (unsigned n = 0; n < NESTS; n++) {
			snprintf(names[n], sizeof(names[n]), "A%u", n + 1);
			nests[n] = names[n];
		}
		assert(fd >= 0 && write(fd, texts[i], strlen(texts[i])) > 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (!map_load(path, nests, NESTS, &maps[i], &e)) {
			fprintf(stderr, "%s\n", e.text);
			abort();
		}
	}
	loaded = true;
	return &maps[index % 2];
}

/* --- what must hold --- */

/* As the last sample has it; true where the jig has no such input. */
static bool is_so(const struct map *map, const struct bus_data *inputs, enum map_signal signal,
		  unsigned nest)
{
	for (size_t i = 0; i < map->point_count; i++) {
		const struct map_point *p = &map->points[i];

		if (p->signal == signal && p->nest == nest)
			return bus_get(&map->buses[p->bus].inputs, inputs, p->at) != p->inverted;
	}
	return true;
}

static void check_power(const struct mirror *m, const struct bus_data *inputs)
{
	static const enum map_signal needed[] = { MAP_ESTOP_OK, MAP_LID_CLOSED, MAP_CLAMPED,
						  MAP_AIR_OK };
	uint64_t power = m->out[MAP_POWER];

	if (!power)
		return;
	assert(m->trip == TRIP_NONE && m->buses[0].up);
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		assert(is_so(m->map, inputs, needed[i], 0));
	for (unsigned nest = 0; nest < NESTS; nest++)
		assert(!(power >> nest & 1) || is_so(m->map, inputs, MAP_PRESENT, nest));
}

static bool read_all(struct bus *bus, const struct map_bus *s, struct bus_data *inputs,
		     struct bus_data *back, struct err *e)
{
	return bus_connect(bus, e) && bus_read(bus, &s->read_back, back, e) &&
	       bus_read(bus, &s->inputs, inputs, e);
}

static void cycle(struct mirror *m, struct bus *bus, int64_t now_ms, uint16_t counter)
{
	static struct bus_data inputs, back, outputs;
	uint64_t out[MAP_SIGNAL_COUNT];
	struct err e = { 0 };

	if (!read_all(bus, &m->map->buses[0], &inputs, &back, &e)) {
		assert(e.code && *e.text);
		mirror_fail(m, 0, &e);
		mirror_decide(m);
		assert(m->buses[0].up || !m->out[MAP_POWER]);
		return;
	}
	mirror_take(m, 0, &inputs, &back, now_ms);
	mirror_decide(m);
	check_power(m, &inputs);
	mirror_outputs(m, 0, &outputs);
	memcpy(out, m->out, sizeof(out));
	if (bus_write(bus, &outputs, counter, &e))
		mirror_written(m, 0, out, now_ms + 1);
	else
		mirror_fail(m, 0, &e);
	mirror_decide(m);
}

static void want(struct mirror *m, uint8_t wish)
{
	const struct jig_wish wanted = { .clamp = wish & 1,
					 .lid_lock = wish & 2,
					 .power = wish & 4 ? UINT64_C(0xffff) : 0,
					 .lamp_pass = wish & 8 ? 1 : 0,
					 .red = wish & 16 };
	struct err e;

	(void)mirror_want(m, wish & 32 ? NULL : &wanted);
	if (wish & 64)
		(void)!mirror_reset(m, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);
	const struct map *map = map_of(take(&input));
	static struct mirror m;
	AUTO(bus) bus = NULL;
	int64_t now_ms = 100000;
	uint16_t counter = 0;
	struct err e;

	assert(bus_new(&map->buses[0], &bus, &e));
	mirror_begin(&m, map, now_ms);
	while (input.len > 0) {
		now_ms += 4 * take(&input);
		want(&m, take(&input));
		module.left = take(&input);
		module.answers = input;
		cycle(&m, bus, now_ms, ++counter ? counter : ++counter);
		input = module.answers;
	}
	hang_up();
	return 0;
}
