#include "tests/rig/boards_nest.h"

#include "tests/rig/boards_rig.h"
#include "tests/rig/boards_vkey.h"

#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BABBLE_BAUD 1000000 /* where the line has no baud of its own */
#define BABBLE_LEN 256
#define LOG_TEXT "[00:00:01.234,000] <inf> app: still \x1b[1;32malive\x1b[0m, AAA=\r\n"

bool nest_babbles(const struct nest *nest)
{
	return nest->trouble.kind == KIND_GARBAGE || nest->trouble.kind == KIND_ENDLESS_LINE ||
	       (nest->device && nest->device->metal->flood);
}

/* Flips the one bit, if it is among the bytes that pass now. */
static void flip(struct nest *nest, enum trouble_kind kind, uint8_t *data, size_t len)
{
	size_t at = nest->trouble.number / 8;

	if (nest->trouble.kind != kind)
		return;
	if (at >= nest->flip_passed && at - nest->flip_passed < len)
		data[at - nest->flip_passed] ^= (uint8_t)(1u << nest->trouble.number % 8);
	nest->flip_passed += len;
}

static void put(void *context, const uint8_t *data, size_t len)
{
	struct nest *nest = context;
	uint8_t line[FRAME_LINE_MAX];

	if (nest->dark || nest->trouble.kind == KIND_MUTE || nest_babbles(nest))
		return;
	if (nest->trouble.kind == KIND_BOOT_LOG)
		wire_put(&nest->wire, (const uint8_t *)LOG_TEXT, strlen(LOG_TEXT));
	if (nest->trouble.kind != KIND_NOISE || len > sizeof(line)) {
		size_t before = nest->wire.out_len - nest->wire.out_at;

		wire_put(&nest->wire, data, len);
		flip(nest, KIND_FLIP_OUT, nest->wire.out + nest->wire.out_at + before,
		     nest->wire.out_len - nest->wire.out_at - before);
		return;
	}
	memcpy(line, data, len);
	for (size_t i = 0; i < len; i++)
		if (++nest->noise % nest->trouble.number == 0)
			line[i] ^= 1;
	wire_put(&nest->wire, line, len);
}

static bool other_key(void *context, const char *name, uint8_t *ret_key, size_t *ret_len)
{
	struct nest *nest = context;
	struct nest *other = rig_nest(nest->rig, name);

	if (other && other->device && other->trouble.kind != KIND_SAME_KEY)
		return store_key(&other->device->metal->port, true, ret_key, ret_len) == SMP_OK;
	*ret_len = VKEY_LEN;
	return vkey_make(ret_key);
}

static void close_device(struct device *device)
{
	device->kind->close(device);
}
AUTO_DEFINE(device, struct device *, close_device)

static bool link_flash(const struct nest *nest, const char *unit, struct err *e)
{
	char path[PATH_MAX], target[PATH_MAX];

	rig_path(nest->rig, nest->name, ".flash", path);
	snprintf(target, sizeof(target), "units/%s.flash", unit);
	unlink(path);
	return symlink(target, path) == 0 || err_errno(e, ERR_SYSTEM, "cannot make %s", path);
}

static bool open_board(struct nest *nest, const char *unit, struct device **ret_device,
		       struct err *e)
{
	const struct vboard_surroundings around = { nest, put, other_key };
	char name[AGENT_UNIT_MAX + 16], path[PATH_MAX], new_unit[AGENT_UNIT_MAX + 1];
	struct vboard *metal;
	struct nest *other;

	if (!unit) {
		rig_next_unit(nest->rig, nest->kind, new_unit);
		unit = new_unit;
	}
	other = rig_nest_of_unit(nest->rig, unit);
	if (other)
		return err_set(e, ERR_BUSY, "%s lies in %s", unit, other->name);
	if (*unit == '\0' || strlen(unit) > AGENT_UNIT_MAX || strchr(unit, '/'))
		return err_set(e, ERR_USAGE, "\"%s\" is no name for a board", unit);
	snprintf(name, sizeof(name), "units/%s", unit);
	rig_path(nest->rig, name, ".flash", path);
	return vboard_open(path, unit, &around, &nest->trouble, &nest->trouble_done, &metal, e) &&
	       nest->kind->open(metal, nest->rig->baud > 0, ret_device, e) &&
	       link_flash(nest, unit, e);
}

static unsigned baud_of(const struct nest *nest)
{
	if (nest->trouble.kind == KIND_SLOW)
		return nest->trouble.number;
	if (nest_babbles(nest) && nest->rig->baud == 0)
		return BABBLE_BAUD;
	return nest->rig->baud;
}

bool nest_insert(struct nest *nest, const char *unit, struct err *e)
{
	AUTO(device) device = NULL;
	char path[PATH_MAX];

	if (nest->device)
		return err_set(e, ERR_BUSY, "%s holds %s", nest->name, nest->device->metal->unit);
	if (!open_board(nest, unit, &device, e))
		return false;
	rig_path(nest->rig, nest->name, ".pty", path);
	if (!(nest->line ? wire_attach(&nest->wire, nest->line, e)
			 : wire_open(&nest->wire, path, e)))
		return false;
	nest->wire.baud = baud_of(nest);
	nest->device = TAKE(device);
	return true;
}

bool nest_start(struct nest *nest, struct err *e)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t len;
	char *dot;

	rig_path(nest->rig, nest->name, ".flash", path);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return nest_insert(nest, NULL, e);
	target[len] = '\0';
	dot = strrchr(target, '.');
	if (dot)
		*dot = '\0';
	return nest_insert(nest, basename(target), e);
}

void nest_remove(struct nest *nest)
{
	wire_close(&nest->wire);
	if (nest->device)
		nest->device->kind->close(nest->device);
	nest->device = NULL;
}

void nest_set_trouble(struct nest *nest, const struct trouble *trouble)
{
	nest->trouble = *trouble;
	nest->trouble_done = false;
	nest->flip_passed = 0;
	nest->wire.baud = baud_of(nest);
	if (nest->device) { /* a CSR made before must not hide the trouble */
		nest->device->metal->csr_made = false;
		nest->device->metal->erased = 0;
		nest->device->metal->flood = NULL;
		nest->device->metal->agent.csr_len = 0;
	}
}

void nest_restart(struct nest *nest)
{
	if (nest->device)
		nest->device->kind->restart(nest->device);
}

void nest_power(struct nest *nest, bool on)
{
	nest->dark = !on;
	nest_restart(nest);
}

static void babble(struct nest *nest)
{
	const char *flood = nest->device->metal->flood;
	uint8_t noise[BABBLE_LEN];

	nest->wire.baud = baud_of(nest); /* a line without one would not say when to go on */
	if (nest->wire.out_at < nest->wire.out_len || !vkey_random(noise, sizeof(noise)))
		return;
	if (flood) {
		wire_put(&nest->wire, (const uint8_t *)flood, strlen(flood));
		return;
	}
	for (size_t i = 0; nest->trouble.kind == KIND_ENDLESS_LINE && i < sizeof(noise); i++)
		noise[i] = (uint8_t)(' ' + 1 + noise[i] % 90);
	wire_put(&nest->wire, noise, sizeof(noise));
}

/* The line stays up; somebody was quick. */
static void swap(struct nest *nest)
{
	AUTO(device) device = NULL;
	struct err e;

	nest->trouble_done = true;
	if (!open_board(nest, NULL, &device, &e))
		return;
	nest->device->kind->close(nest->device);
	nest->device = TAKE(device);
}

int64_t nest_due_ns(const struct nest *nest)
{
	int64_t due_ns, device_ns;

	if (!nest->device || nest->wire.master < 0)
		return INT64_MAX;
	if (nest_babbles(nest) && nest->wire.out_at == nest->wire.out_len)
		return 0;
	due_ns = wire_due_ns(&nest->wire);
	device_ns =
		nest->device->kind->due_ns ? nest->device->kind->due_ns(nest->device) : INT64_MAX;
	return device_ns < due_ns ? device_ns : due_ns;
}

/* Lets the board work on what has arrived, and returns when it has. */
static int64_t compute(struct nest *nest, struct bytes arrived, int64_t now_ns)
{
	int64_t began_ns = wire_now_ns(), ended_ns;

	nest->device->kind->receive(nest->device, arrived, now_ns);
	ended_ns = wire_now_ns();
	nest->device->metal->computing_ns += (uint64_t)(ended_ns - began_ns);
	return ended_ns;
}

void nest_work(struct nest *nest, int64_t now_ns)
{
	struct bytes arrived;

	if (!nest->device)
		return;
	if (nest->dark) {
		while (wire_move(&nest->wire, now_ns).len > 0)
			;
		return;
	}
	if (nest_babbles(nest))
		babble(nest);
	if (nest->device->kind->work)
		nest->device->kind->work(nest->device, now_ns);
	while ((arrived = wire_move(&nest->wire, now_ns)).len > 0) {
		if (nest->trouble.kind == KIND_SWAP && nest->device->metal->csr_made &&
		    !nest->trouble_done)
			swap(nest);
		flip(nest, KIND_FLIP_IN, nest->wire.in, arrived.len);
		now_ns = compute(nest, arrived, now_ns);
	}
}
