#include "tests/rig/boards_device.h"

#include "base/cbor.h"
#include "serial/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct device_kind *const kinds[] = { &prov_kind, &fs_kind, &nrf91_kind,
						   &zshell_kind };

const struct device_kind *device_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

void device_unit_usual(const char *prefix, unsigned number,
		       char ret_unit[static AGENT_UNIT_MAX + 1])
{
	snprintf(ret_unit, AGENT_UNIT_MAX + 1, "%s%04u", prefix, number);
}

void device_flush(struct device *device)
{
	device->metal->port.put(device->metal, (const uint8_t *)device->said, device->said_len);
	device->said_len = 0;
}

void device_say(struct device *device, const char *format, ...)
{
	size_t room = sizeof(device->said) - device->said_len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(device->said + device->said_len, room, format, args);
	va_end(args);
	if (len > 0)
		device->said_len += (size_t)len < room ? (size_t)len : room - 1;
	if (device->said_len > 0 && device->said[device->said_len - 1] == '\n')
		device_flush(device);
}

void device_unit(struct device *device, char ret_unit[static AGENT_UNIT_MAX + 1])
{
	size_t len = device->metal->port.unit(device->metal, ret_unit);

	ret_unit[len] = '\0';
}

bool device_hash(struct device *device, const char *slot, uint32_t *ret_len,
		 uint8_t ret_hash[static AGENT_HASH_SIZE])
{
	const struct agent_port *port = &device->metal->port;
	struct store_file file;

	if (store_find(port, bytes_text(slot), &file) != SMP_OK ||
	    store_hash(port, &file, ret_hash) != SMP_OK)
		return false;
	*ret_len = file.len;
	return true;
}

bool device_has_key(struct device *device)
{
	uint8_t key[AGENT_KEY_MAX];
	size_t len;

	return store_key(&device->metal->port, false, key, &len) == SMP_OK;
}

size_t device_csr(struct device *device, const char *common_name,
		  uint8_t ret_csr[static REQUEST_MAX])
{
	struct vboard *metal = device->metal;
	uint8_t key[AGENT_KEY_MAX];
	size_t len;

	if (store_key(&metal->port, true, key, &len) != SMP_OK)
		return 0;
	metal->agent.command = PROV_CSR; /* so that the faults of a CSR come */
	return request_make(&metal->port, bytes_of(key, len), bytes_text(common_name), ret_csr);
}

void device_forget_key(struct device *device)
{
	vflash_erase(device->metal->flash, VFLASH_KEY, VFLASH_PAGE);
}

bool device_write(struct device *device, const char *slot, struct bytes content)
{
	struct store_session session = { 0 };

	return store_write(&device->metal->port, &session, bytes_text(slot), 0,
			   (uint32_t)content.len, content) == SMP_OK;
}

void device_forget_file(struct device *device, const char *slot)
{
	for (size_t i = 0; i < VFLASH_SLOT_COUNT; i++)
		if (strcmp(vflash_slots[i].name, slot) == 0)
			vflash_erase(device->metal->flash, vflash_slots[i].address,
				     VFLASH_SLOT_SIZE);
}

void device_spoil(const struct device *device, struct cbor_writer *w)
{
	enum trouble_kind kind = device->metal->trouble->kind;

	if (kind != KIND_ENDLESS_MAP && kind != KIND_NESTED_MAPS)
		return;
	w->len = 0;
	w->data[w->len++] = 0xbf;
	while (w->len + 8 < w->size) {
		cbor_put_key(w, "rc");
		if (kind == KIND_NESTED_MAPS)
			w->data[w->len++] = 0xbf;
		else
			cbor_put_unsigned(w, 0);
	}
}

/* --- sec_tags --- */

static bool has_file(struct device *device, const char *slot)
{
	uint8_t hash[AGENT_HASH_SIZE];
	uint32_t len;

	return device_hash(device, slot, &len, hash);
}

bool device_tag(struct device *device, uint32_t *ret_tag)
{
	uint8_t state[STORE_HEADER_SIZE];

	vflash_read(device->metal->flash, VFLASH_STATE, state, sizeof(state));
	*ret_tag = (uint32_t)state[4] << 24 | (uint32_t)state[5] << 16 | (uint32_t)state[6] << 8 |
		   state[7];
	return memcmp(state, "IMPT", 4) == 0 &&
	       (has_file(device, "root") || has_file(device, "certificate") ||
		device_has_key(device));
}

bool device_take_tag(struct device *device, uint32_t tag)
{
	struct vflash *flash = device->metal->flash;
	uint8_t state[STORE_HEADER_SIZE];
	uint32_t held;

	if (device_tag(device, &held)) {
		if (held == tag || has_file(device, "root") || has_file(device, "certificate"))
			return held == tag;
		device_forget_key(device);
	}
	memset(state, 0xff, sizeof(state));
	memcpy(state, "IMPT", 4);
	for (int i = 0; i < 4; i++)
		state[4 + i] = (uint8_t)(tag >> (24 - 8 * i));
	return vflash_erase(flash, VFLASH_STATE, VFLASH_PAGE) &&
	       vflash_program(flash, VFLASH_STATE, state, sizeof(state));
}

/* --- the agent itself --- */

struct prov_device {
	struct device device;
	struct frame_decoder decoder; /* where a hostile firmware has taken its place */
	uint8_t packet[AGENT_MESSAGE_MAX + 2];
};

/* The same to every command: a file as long as the world. */
static void put_lies(struct device *device, struct cbor_writer *w)
{
	static const uint8_t zeros[PROV_BOOT_SIZE];
	char unit[AGENT_UNIT_MAX + 1];

	device_unit(device, unit);
	cbor_put_map(w, 6);
	cbor_put_key(w, "unit");
	cbor_put_key(w, unit);
	cbor_put_key(w, "boot");
	cbor_put_bytes(w, BYTES(zeros));
	cbor_put_key(w, "buf_size");
	cbor_put_unsigned(w, UINT64_MAX);
	cbor_put_key(w, "off");
	cbor_put_unsigned(w, 0);
	cbor_put_key(w, "len");
	cbor_put_unsigned(w, UINT64_MAX);
	cbor_put_key(w, "data");
	cbor_put_bytes(w, BYTES(zeros));
}

static void answer_with_hostility(struct device *device, struct bytes request)
{
	uint8_t message[SMP_HEADER_SIZE + 1024], line[FRAME_LINE_MAX];
	struct cbor_writer w = { .data = message + SMP_HEADER_SIZE, .size = 1024 };
	struct frame_encoder f;
	size_t len;

	if (request.len < SMP_HEADER_SIZE)
		return;
	put_lies(device, &w);
	device_spoil(device, &w);
	memcpy(message, request.data, SMP_HEADER_SIZE);
	message[0]++;
	message[2] = (uint8_t)(w.len >> 8);
	message[3] = (uint8_t)w.len;
	f = frame_encoder_start(bytes_of(message, SMP_HEADER_SIZE + w.len));
	while ((len = frame_encode_line(&f, line)) > 0)
		device->metal->port.put(device->metal, line, len);
}

static bool prov_open(struct vboard *metal, bool paced, struct device **ret_device, struct err *e)
{
	struct prov_device *prov = calloc(1, sizeof(*prov));

	(void)paced;
	if (!prov) {
		vboard_close(metal);
		return err_errno(e, ERR_SYSTEM, "no memory for a board");
	}
	prov->device.kind = &prov_kind;
	prov->device.metal = metal;
	prov->decoder = frame_decoder_start(prov->packet, sizeof(prov->packet));
	*ret_device = &prov->device;
	return true;
}

static void prov_close(struct device *device)
{
	vboard_close(device->metal);
	free(device);
}

static void prov_receive(struct device *device, struct bytes bytes, int64_t now_ns)
{
	struct prov_device *prov = (struct prov_device *)device;
	enum trouble_kind kind = device->metal->trouble->kind;
	struct bytes request;

	(void)now_ns;
	if (kind != KIND_ENDLESS_MAP && kind != KIND_NESTED_MAPS && kind != KIND_LYING_LENGTH) {
		vboard_receive(device->metal, bytes);
		return;
	}
	for (size_t i = 0; i < bytes.len; i++)
		if (frame_decode(&prov->decoder, bytes.data[i], &request))
			answer_with_hostility(device, request);
}

static void prov_restart(struct device *device)
{
	vboard_restart(device->metal);
}

const struct device_kind prov_kind = {
	.name = "prov",
	.make_unit = device_unit_usual,
	.open = prov_open,
	.close = prov_close,
	.receive = prov_receive,
	.restart = prov_restart,
};
