/* The driver nrf91 against a modem that refuses, each time for another reason. */
#include "base/clock.h"
#include "serial/board.h"
#include "serial/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define STEP_MS 3000
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
	{ "well", "%KEYGEN: \"MAA.MAA\"\r\nOK", 0, "", "AT+CMEE=1|AT+CGSN|AT+CGSN|AT+CFUN=4|" },
};

static struct {
	char dir[64], path[96], address[112], seen[1024];
	int listen_fd;
	size_t index;
} modem;

static bool answer(int fd, const char *command)
{
	char text[256];
	size_t len = strlen(modem.seen);

	snprintf(modem.seen + len, sizeof(modem.seen) - len, "%s|", command);
	snprintf(text, sizeof(text), "%s\r\n",
		 strncmp(command, "AT%KEYGEN", 9) == 0 ? cases[modem.index].keygen
		 : strcmp(command, "AT+CGSN") == 0     ? "352656100000001\r\nOK"
						       : "OK");
	return send(fd, text, strlen(text), MSG_NOSIGNAL) > 0;
}

static void *serve(void *context)
{
	int fd = accept(modem.listen_fd, NULL, NULL);
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

static int make_socket(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	strcpy(modem.dir, "/tmp/test_nrf91.XXXXXX");
	assert_non_null(mkdtemp(modem.dir));
	snprintf(modem.path, sizeof(modem.path), "%s/modem", modem.dir);
	snprintf(modem.address, sizeof(modem.address), "unix:%s", modem.path);
	strcpy(address.sun_path, modem.path);
	modem.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(modem.listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return listen(modem.listen_fd, 1);
}

static int remove_socket(void **state)
{
	(void)state;
	close(modem.listen_fd);
	unlink(modem.path);
	return rmdir(modem.dir);
}

static bool ask_csr(struct err *e)
{
	static const struct board_settings settings = {
		.kind = BOARD_SETTINGS_NRF91, .nrf91 = { 42, BOARD_CR, BOARD_UNIT_IMEI }
	};
	const struct board_options options = {
		.driver = "nrf91", .port = modem.address, .settings = &settings, .cancel_fd = -1
	};
	uint8_t csr[BOARD_CSR_MAX];
	struct board_identity identity;
	AUTO(board) board = NULL;
	size_t len;

	return board_open(&options, &board, e) &&
	       board_identify(board, &identity, clock_deadline(STEP_MS), e) &&
	       board_csr(board, csr, &len, clock_deadline(STEP_MS), e);
}

static void every_refusal_has_its_sentence(void **state)
{
	(void)state;
	for (modem.index = 0; modem.index < COUNT(cases); modem.index++) {
		struct err e = { 0 };
		pthread_t thread;
		bool done;

		modem.seen[0] = '\0';
		assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
		done = ask_csr(&e);
		pthread_join(thread, NULL);
		if ((done ? 0 : e.code) != cases[modem.index].code ||
		    !strstr(e.text, cases[modem.index].text))
			fail_msg("%s: %d %s", cases[modem.index].name, e.code, e.text);
		if (!strstr(modem.seen, cases[modem.index].seen))
			fail_msg("%s: %s", cases[modem.index].name, modem.seen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_its_sentence),
	};

	return cmocka_run_group_tests(tests, make_socket, remove_socket);
}
