/* The driver nrf91 against a modem that refuses, each time for another reason, and against the
 * answers of real ones. */
#include "base/clock.h"
#include "serial/board.h"
#include "serial/fault.h"
#include "tests/unit/far_end.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define STEP_MS 60000
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct {
	const char *name, *keygen; /* what AT%KEYGEN is answered with, each time */
	int code;
	const char *text;
	const char *seen; /* commands that the modem must have heard */
} cases[] = {
	{ "513", "+CME ERROR: 513", FAULT_FLASH, "no such credential (CME 513); was it", "" },
	{ "514", "+CME ERROR: 514", FAULT_REFUSED, "not allowed (CME 514); the sec_tag is one",
	  "" },
	{ "515", "+CME ERROR: 515", FAULT_NO_ROOM, "full (CME 515); delete those of other", "" },
	{ "518", "+CME ERROR: 518", FAULT_REFUSED, "active (CME 518); its firmware must",
	  "AT%KEYGEN=42,2,0|AT+CFUN=4|AT%KEYGEN=42,2,0|" },
	{ "519", "+CME ERROR: 519", FAULT_REFUSED, "replaced (CME 519); delete it",
	  "AT%KEYGEN=42,2,0|AT%CMNG=3,42,2|AT%KEYGEN=42,2,0|" },
	{ "523", "+CME ERROR: 523", FAULT_REFUSED, "a key (CME 523); power it off and on", "" },
	{ "527", "+CME ERROR: 527", FAULT_REFUSED, "content (CME 527); its firmware wants", "" },
	{ "528", "+CME ERROR: 528", FAULT_REFUSED, "fail (CME 528); check the power", "" },
	{ "unknown", "+CME ERROR: 4", FAULT_REFUSED, "(CME 4); see the AT reference", "" },
	{ "no reason", "ERROR", FAULT_REFUSED, "ERROR, and no reason; does its firmware", "" },
	{ "no quotes", "%KEYGEN: abc.def\r\nOK", FAULT_ANSWER, "no \"CSR.COSE\" in quotes", "" },
	{ "no second part", "%KEYGEN: \"MAA\"\r\nOK", FAULT_ANSWER, "no \"CSR.COSE\"", "" },
	{ "not base64url", "%KEYGEN: \"MA+A.MAA\"\r\nOK", FAULT_ANSWER, "it is not base64url", "" },
	{ "torn", "%KEYGEN: \"MAA.MAA\r\nOK", FAULT_ANSWER, "no \"CSR.COSE\" in quotes", "" },
	{ "empty", "%KEYGEN: \".MAA\"\r\nOK", FAULT_CSR_SIZE, "it is empty", "" },
	{ "attests nothing", "%KEYGEN: \"MAA.MAA\"\r\nOK", FAULT_ANSWER, "does not attest a key",
	  "AT+CMEE=1|AT+CGSN|AT+CGSN|AT+CFUN=4|AT%KEYGEN=42,2,0|AT|AT+CMEE=1|AT+CFUN=4|AT%KEYGEN="
	  "42,2,0|" },
};

#define DATA "tests/data/nrf91-keygen.txt"
#define DATA_MODEMS 3
#define OF_FIRST "50363154-3931-44f0-8022-121b6401627d"
#define OF_THIRD "50363953-3234-4723-80b9-1503d88271bf"

/* Answers of real modems, one a line, each to another sec_tag. */
static const struct {
	const char *name;
	size_t line;
	uint32_t sec_tag;
	const char *uuid; /* said by AT%DEVICEUUID, where the unit id is that; else NULL */
	size_t damaged;	  /* character of the answer; 0: none */
	int code;
	const char *text;
} answers[] = {
	{ "the first", 0, 17, NULL, 0, 0, "" },
	{ "by its UUID", 0, 17, OF_FIRST, 0, 0, "" },
	{ "without the NULL it hashed", 1, 1235, NULL, 0, 0, "" },
	{ "the third", 2, 52, OF_THIRD, 0, 0, "" },
	{ "another sec_tag", 0, 42, NULL, 0, FAULT_ANSWER, "under sec_tag 17 instead of 42" },
	{ "another modem's", 0, 17, OF_THIRD, 0, FAULT_UNIT_CHANGED,
	  "the board was " OF_THIRD ", and the key is made by " OF_FIRST },
	{ "damaged", 0, 17, NULL, 100, FAULT_GARBAGE, "its SHA-256 differs" },
};

static char data[DATA_MODEMS][1024]; /* their lines */

static struct {
	char seen[1024], keygen[1100];
	const char *uuid;
} modem;

static bool answer(int fd, const char *command)
{
	char text[1200];
	size_t len = strlen(modem.seen);

	snprintf(modem.seen + len, sizeof(modem.seen) - len, "%s|", command);
	if (strncmp(command, "AT%KEYGEN", 9) == 0)
		snprintf(text, sizeof(text), "%s\r\n", modem.keygen);
	else if (strcmp(command, "AT%DEVICEUUID") == 0)
		snprintf(text, sizeof(text), "%%DEVICEUUID: %s\r\nOK\r\n", modem.uuid);
	else
		snprintf(text, sizeof(text), "%sOK\r\n",
			 strcmp(command, "AT+CGSN") == 0 ? "352656100000001\r\n" : "");
	return send(fd, text, strlen(text), MSG_NOSIGNAL) > 0;
}

static void *serve(void *context)
{
	int fd = accept(far_end.listen_fd, NULL, NULL);
	char command[128] = "", byte;
	size_t len = 0;

	(void)context;
	while (read(fd, &byte, 1) == 1) {
		if (byte != '\r') {
			command[len] = byte;
			len += len < sizeof(command) - 2;
			continue;
		}
		command[len] = '\0';
		len = 0;
		if (!answer(fd, command))
			break;
	}
	close(fd);
	return NULL;
}

static bool ask_csr(uint32_t sec_tag, struct err *e)
{
	const struct board_settings settings = {
		.kind = BOARD_SETTINGS_NRF91,
		.nrf91 = { sec_tag, BOARD_CR, modem.uuid ? BOARD_UNIT_UUID : BOARD_UNIT_IMEI }
	};
	const struct board_options options = {
		.driver = "nrf91", .port = far_end.address, .settings = &settings, .cancel_fd = -1
	};
	uint8_t csr[BOARD_CSR_MAX];
	struct board_identity identity;
	AUTO(board) board = NULL;
	size_t len;

	return board_open(&options, &board, e) &&
	       board_identify(board, &identity, clock_deadline(STEP_MS), e) &&
	       board_csr(board, csr, &len, clock_deadline(STEP_MS), e);
}

/* One board from start to CSR; true if it came. */
static bool run(uint32_t sec_tag, struct err *e)
{
	pthread_t thread;
	bool done;

	modem.seen[0] = '\0';
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	done = ask_csr(sec_tag, e);
	pthread_join(thread, NULL);
	return done;
}

static void every_refusal_has_its_sentence(void **state)
{
	(void)state;
	modem.uuid = NULL;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct err e = { 0 };
		bool done;

		snprintf(modem.keygen, sizeof(modem.keygen), "%s", cases[i].keygen);
		done = run(42, &e);
		if ((done ? 0 : e.code) != cases[i].code || !strstr(e.text, cases[i].text))
			fail_msg("%s: %d %s", cases[i].name, e.code, e.text);
		if (!strstr(modem.seen, cases[i].seen))
			fail_msg("%s: %s", cases[i].name, modem.seen);
	}
}

static void read_data(void)
{
	FILE *file = fopen(DATA, "r");
	size_t count = 0;

	if (!file)
		fail_msg("cannot open %s", DATA);
	while (count < DATA_MODEMS && fgets(data[count], sizeof(data[0]), file)) {
		data[count][strcspn(data[count], "\n")] = '\0';
		count += data[count][0] != '#';
	}
	fclose(file);
	assert_int_equal(count, DATA_MODEMS);
}

static void a_real_answer_is_held_against_what_was_asked(void **state)
{
	(void)state;
	read_data();
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct err e = { 0 };
		bool done;

		modem.uuid = answers[i].uuid;
		snprintf(modem.keygen, sizeof(modem.keygen), "%%KEYGEN: \"%s\"\r\nOK",
			 data[answers[i].line]);
		if (answers[i].damaged)
			modem.keygen[answers[i].damaged] ^= 1;
		done = run(answers[i].sec_tag, &e);
		if ((done ? 0 : e.code) != answers[i].code || !strstr(e.text, answers[i].text))
			fail_msg("%s: %d %s", answers[i].name, e.code, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_its_sentence),
		cmocka_unit_test(a_real_answer_is_held_against_what_was_asked),
	};

	return cmocka_run_group_tests(tests, far_end_make, far_end_remove);
}
