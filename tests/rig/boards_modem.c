/* A board with an nRF91 modem behind at_host, as modem firmware 2.0.2 behaves: commands end with
 * CR, CR and LF between quotes are data, nothing is echoed, the command buffer has 4096 bytes with
 * its NUL and drops what is longer, and nothing is heard while a command runs. The modem is active
 * after each start, until CFUN=4 or 0. Keys are made anew each time; there is room for one
 * credential of each type, under one sec_tag. In flash: type 0 in the slot root, 1 in the slot
 * certificate, 2 as the key; the sec_tag as "IMPT" tag32be at the state page. */
#include "base/cbor.h"
#include "tests/rig/boards_device.h"

#include "tests/rig/boards_vkey.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define COMMAND_SIZE 4096
#define COSE_SIZE 256
#define FIRMWARE "mfw_nrf91x1_2.0.2"
#define OLD_FIRMWARE "mfw_nrf9160_1.3.5"

enum cme {
	OK = 0,
	NOT_FOUND = 513,
	NOT_ALLOWED = 514,
	FULL = 515,
	ACTIVE = 518,
	EXISTS = 519,
	KEYGEN_FAILED = 523,
	CONTENT = 527,
	PLAIN_ERROR = -1,
};

struct modem {
	struct device device;
	bool verbose, active, in_quotes;
	size_t len;
	char command[COMMAND_SIZE];
};

/* --- what lies in flash --- */

static const char *slot_of(unsigned type)
{
	return type == 0 ? "root" : "certificate";
}

static bool has_file(struct modem *m, unsigned type)
{
	uint8_t hash[AGENT_HASH_SIZE];
	uint32_t len;

	return device_hash(&m->device, slot_of(type), &len, hash);
}

static bool has(struct modem *m, unsigned type)
{
	return type == 2 ? device_has_key(&m->device) : has_file(m, type);
}

static bool is_there(struct modem *m, uint32_t tag, unsigned type)
{
	uint32_t held;

	return device_tag(&m->device, &held) && held == tag && has(m, type);
}

/* --- AT%KEYGEN --- */

/* Modems of old put NULL into the parameters of ecdsa-with-SHA256. */
static size_t add_null(uint8_t *csr, size_t len)
{
	static const uint8_t algorithm[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
					     0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	uint8_t *at = memmem(csr, len, algorithm, sizeof(algorithm));

	if (!at || csr[1] != 0x81 || csr[2] > 0xfd)
		return len;
	memmove(at + sizeof(algorithm) + 2, at + sizeof(algorithm),
		len - (size_t)(at - csr) - sizeof(algorithm));
	at[1] += 2;
	at[sizeof(algorithm)] = 0x05;
	at[sizeof(algorithm) + 1] = 0x00;
	csr[2] = (uint8_t)(csr[2] + 2);
	return len + 2;
}

#define UUID_FORMAT "50363154-3931-44f0-8022-%.12s"
#define UUID_LEN 36

/* The modem's own, of which our unit ids are the end. */
static void uuid_of(struct modem *m, char ret_uuid[static UUID_LEN + 1])
{
	char unit[AGENT_UNIT_MAX + 1];
	size_t len;

	device_unit(&m->device, unit);
	len = strlen(unit);
	snprintf(ret_uuid, UUID_LEN + 1, UUID_FORMAT, unit + (len > 12 ? len - 12 : 0));
}

static void put_uuid(struct cbor_writer *w, const char *text)
{
	uint8_t uuid[16] = { 0 };

	for (size_t i = 0; i < sizeof(uuid); i++, text += 2) {
		text += *text == '-';
		sscanf(text, "%2hhx", &uuid[i]);
	}
	cbor_put_bytes(w, BYTES(uuid));
}

static void put_random(struct cbor_writer *w, size_t len)
{
	uint8_t data[64];

	vkey_random(data, len);
	cbor_put_bytes(w, bytes_of(data, len));
}

/* An integer of 32 bits with its sign, in a byte string of its own. */
static void put_tag(struct cbor_writer *w, uint32_t tag)
{
	uint8_t data[8];
	struct cbor_writer inner = { .data = data, .size = sizeof(data) };

	cbor_put_integer(&inner, (int32_t)tag);
	cbor_put_bytes(w, bytes_of(data, inner.len));
}

/* Tag 55799: a message of type 9 with UUID, sec_tag, the CSR's SHA-256 and a nonce. */
static size_t make_payload(struct modem *m, uint32_t tag, struct bytes csr,
			   uint8_t ret_payload[static COSE_SIZE])
{
	struct cbor_writer w = { .data = ret_payload + 3, .size = COSE_SIZE - 3 };
	char uuid[UUID_LEN + 1];
	uint8_t hash[32];

	memcpy(ret_payload, "\xd9\xd9\xf7", 3);
	uuid_of(m, uuid);
	SHA256(csr.data, csr.len, hash);
	cbor_put_array(&w, 5);
	cbor_put_unsigned(&w, 9);
	put_uuid(&w, uuid);
	put_tag(&w, tag);
	cbor_put_bytes(&w, BYTES(hash));
	put_random(&w, 16);
	return 3 + w.len;
}

/* COSE_Sign1: tag 18, [{1: -7}, {4: -2}, payload, signature]. */
static size_t make_cose(struct modem *m, uint32_t tag, struct bytes csr,
			uint8_t ret_cose[static COSE_SIZE])
{
	static const uint8_t head[] = {
		0xd2, 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa1, 0x04, 0x41, 0x21
	};
	struct cbor_writer w = { .data = ret_cose, .size = COSE_SIZE, .len = sizeof(head) };
	uint8_t payload[COSE_SIZE];

	memcpy(ret_cose, head, sizeof(head));
	cbor_put_bytes(&w, bytes_of(payload, make_payload(m, tag, csr, payload)));
	put_random(&w, 64);
	return w.len;
}

static void put_base64url(const uint8_t *data, size_t len, char *ret_text)
{
	EVP_EncodeBlock((unsigned char *)ret_text, data, (int)len);
	for (; *ret_text; ret_text++) {
		if (*ret_text == '+')
			*ret_text = '-';
		else if (*ret_text == '/')
			*ret_text = '_';
		else if (*ret_text == '=')
			*ret_text-- = '\0';
	}
}

static int keygen(struct modem *m, uint32_t tag)
{
	uint8_t csr[REQUEST_MAX + 2], cose[COSE_SIZE];
	char csr_text[600], cose_text[400], uuid[UUID_LEN + 1];
	size_t len;

	if (m->active)
		return ACTIVE;
	if (is_there(m, tag, 2))
		return EXISTS;
	if (!device_take_tag(&m->device, tag))
		return FULL;
	uuid_of(m, uuid);
	len = device_csr(&m->device, uuid, csr);
	if (len == 0)
		return KEYGEN_FAILED;
	if (m->device.metal->trouble->kind == KIND_NULL_PARAMETERS)
		len = add_null(csr, len);
	put_base64url(csr, len, csr_text);
	put_base64url(cose, make_cose(m, tag, bytes_of(csr, len), cose), cose_text);
	device_say(&m->device, "%%KEYGEN: \"%s.%s\"\r\n", csr_text, cose_text);
	return OK;
}

/* --- AT%CMNG --- */

/* Newer modems parse what they store: real line ends of one kind, not the letters \n. */
static bool is_pem(const char *text)
{
	const char *begin = "-----BEGIN CERTIFICATE-----", *end = "-----END CERTIFICATE-----";
	size_t lf = 0, crlf = 0, cr = 0;

	if (strncmp(text, begin, strlen(begin)) != 0 || !strstr(text, end) || strchr(text, '\\'))
		return false;
	for (const char *c = text; *c; c++) {
		cr += *c == '\r';
		lf += *c == '\n';
		crlf += *c == '\n' && c > text && c[-1] == '\r';
	}
	return lf > 0 && cr == crlf && (crlf == 0 || crlf == lf);
}

static int write_file(struct modem *m, uint32_t tag, unsigned type, const char *rest)
{
	const char *from = strchr(rest, '"'), *to = from ? strrchr(from + 1, '"') : NULL;
	static char content[COMMAND_SIZE];

	if (m->active)
		return ACTIVE;
	if (!to || type > 1)
		return NOT_ALLOWED;
	snprintf(content, sizeof(content), "%.*s", (int)(to - from - 1), from + 1);
	if (!is_pem(content))
		return CONTENT;
	if (is_there(m, tag, type))
		return EXISTS;
	if (!device_take_tag(&m->device, tag))
		return FULL;
	return device_write(&m->device, slot_of(type), bytes_text(content)) ? OK : PLAIN_ERROR;
}

static void say_hash(struct modem *m, uint32_t tag, unsigned type)
{
	size_t times = m->device.metal->trouble->kind == KIND_LYING_LENGTH ? 20 : 1, key_len;
	uint8_t hash[AGENT_HASH_SIZE], key[AGENT_KEY_MAX];
	uint32_t len;

	if (type != 2)
		device_hash(&m->device, slot_of(type), &len, hash);
	else if (store_key(&m->device.metal->port, false, key, &key_len) == SMP_OK)
		SHA256(key, key_len, hash);
	device_say(&m->device, "%%CMNG: %u,%u,\"", tag, type);
	for (size_t i = 0; i < times * sizeof(hash); i++)
		device_say(&m->device, "%02X", hash[i % sizeof(hash)]);
	device_say(&m->device, "\"");
}

/* type 3 stands for all. */
static int list(struct modem *m, uint32_t tag, unsigned wanted)
{
	if (m->device.metal->trouble->kind == KIND_ENDLESS_LIST)
		m->device.metal->flood = "%CMNG: 42,1,\"00112233445566778899AABBCCDDEEFF\"\r\n";
	for (unsigned type = 0; type < 3; type++)
		if ((wanted == type || wanted == 3) && is_there(m, tag, type)) {
			say_hash(m, tag, type);
			device_say(&m->device, "\r\n");
		}
	return OK;
}

static int show(struct modem *m, uint32_t tag, unsigned type)
{
	static uint8_t content[VFLASH_SLOT_SIZE];
	const struct agent_port *port = &m->device.metal->port;
	struct store_file file;

	if (type == 2)
		return NOT_ALLOWED;
	if (!is_there(m, tag, type) ||
	    store_find(port, bytes_text(slot_of(type)), &file) != SMP_OK ||
	    store_read(port, &file, 0, content, file.len) != SMP_OK)
		return NOT_FOUND;
	say_hash(m, tag, type);
	device_say(&m->device, ",\"%.*s\"\r\n", (int)file.len, (const char *)content);
	return OK;
}

static int delete (struct modem *m, uint32_t tag, unsigned type)
{
	if (m->active)
		return ACTIVE;
	if (!is_there(m, tag, type))
		return NOT_FOUND;
	if (type == 2)
		device_forget_key(&m->device);
	else
		device_forget_file(&m->device, slot_of(type));
	return OK;
}

static int credentials(struct modem *m, const char *arguments)
{
	unsigned verb, type = 3;
	uint32_t tag;
	int at = 0;

	if (sscanf(arguments, "%1u,%u%n,%1u%n", &verb, &tag, &at, &type, &at) < 2)
		return PLAIN_ERROR;
	if (verb == 1)
		return list(m, tag, type);
	if (type > 2)
		return NOT_ALLOWED;
	return verb == 0   ? write_file(m, tag, type, arguments + at)
	       : verb == 2 ? show(m, tag, type)
	       : verb == 3 ? delete (m, tag, type)
			   : PLAIN_ERROR;
}

/* --- the others --- */

static void say_imei(struct modem *m)
{
	char unit[AGENT_UNIT_MAX + 1];

	device_unit(&m->device, unit);
	if (!isdigit((unsigned char)unit[0]))
		unit[0] = '9'; /* another modem's, all the same */
	device_say(&m->device, "%s\r\n", unit);
}

static void say_uuid(struct modem *m)
{
	char uuid[UUID_LEN + 1];

	uuid_of(m, uuid);
	device_say(&m->device, "%%DEVICEUUID: %s\r\n", uuid);
}

static int run(struct modem *m, const char *command)
{
	bool old = m->device.metal->trouble->kind == KIND_NULL_PARAMETERS;
	unsigned number;
	uint32_t tag;

	if (strcmp(command, "AT") == 0)
		return OK;
	if (sscanf(command, "AT+CMEE=%1u", &number) == 1)
		m->verbose = number == 1;
	else if (sscanf(command, "AT+CFUN=%2u", &number) == 1)
		m->active = number != 4 && number != 0;
	else if (strcmp(command, "AT+CGSN") == 0)
		say_imei(m);
	else if (strcmp(command, "AT%DEVICEUUID") == 0)
		say_uuid(m);
	else if (strcmp(command, "AT+CGMR") == 0)
		device_say(&m->device, "%s\r\n", old ? OLD_FIRMWARE : FIRMWARE);
	else if (sscanf(command, "AT%%KEYGEN=%u,2,0", &tag) == 1)
		return keygen(m, tag);
	else if (strncmp(command, "AT%CMNG=", 8) == 0)
		return credentials(m, command + 8);
	else
		return PLAIN_ERROR;
	return OK;
}

static void execute(struct modem *m)
{
	int cme;

	m->command[m->len] = '\0';
	if (m->len == 0)
		return;
	cme = run(m, m->command);
	m->len = 0;
	if (cme == OK)
		device_say(&m->device, "OK\r\n");
	else if (cme == PLAIN_ERROR || !m->verbose)
		device_say(&m->device, "ERROR\r\n");
	else
		device_say(&m->device, "+CME ERROR: %d\r\n", cme);
}

/* --- the line --- */

static void start(struct modem *m)
{
	m->verbose = m->in_quotes = false;
	m->active = true;
	m->len = 0;
}

static void restart(struct device *device)
{
	vboard_restart(device->metal);
	start((struct modem *)device);
}

static void receive(struct device *device, struct bytes bytes, int64_t now_ns)
{
	struct modem *m = (struct modem *)device;

	(void)now_ns;
	for (size_t i = 0; i < bytes.len; i++) {
		char c = (char)bytes.data[i];

		if (c == '\r' && !m->in_quotes) {
			execute(m);
			if (device->metal->restarting)
				restart(device);
			return; /* what came behind it was not heard */
		}
		if (c == '\b' || c == 0x7f) {
			m->len -= m->len > 0;
			continue;
		}
		if (c == '"')
			m->in_quotes = !m->in_quotes;
		if (m->len < sizeof(m->command) - 1)
			m->command[m->len++] = c;
	}
}

static void make_unit(const char *prefix, unsigned number, char ret_unit[static AGENT_UNIT_MAX + 1])
{
	(void)prefix;
	snprintf(ret_unit, AGENT_UNIT_MAX + 1, "3526561%08u", number % 100000000);
}

static bool open_modem(struct vboard *metal, bool paced, struct device **ret_device, struct err *e)
{
	struct modem *m = calloc(1, sizeof(*m));

	(void)paced;
	if (!m) {
		vboard_close(metal);
		return err_errno(e, ERR_SYSTEM, "no memory for a board");
	}
	m->device.kind = &nrf91_kind;
	m->device.metal = metal;
	start(m);
	*ret_device = &m->device;
	return true;
}

static void close_modem(struct device *device)
{
	vboard_close(device->metal);
	free(device);
}

const struct device_kind nrf91_kind = {
	.name = "nrf91",
	.make_unit = make_unit,
	.open = open_modem,
	.close = close_modem,
	.receive = receive,
	.restart = restart,
};
