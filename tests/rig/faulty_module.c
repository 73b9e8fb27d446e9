/* faulty_module: a PKCS#11 module between a program and the real one ($RIG_MODULE, default SoftHSM)
 * that spoils calls on purpose. The file $RIG_FAULTS says which; it is read again whenever it
 * changed, so that a test switches faults on and off under a running signer. One rule a line, the
 * first one that fits counts:
 *	FUNCTION COUNT|always ACTION
 * ACTION: "delay MS" (or until the script changes), "fail CKR_NAME" (without calling the real one), "hang" (for ever), "wrong"
 * (C_Sign: one bit of the signature is flipped), "short" (C_Sign: its last byte is missing), "escape"
 * (tries for what the process around it should have given up, and notes "network", "program" or
 * "tracing" for what it got, "tried" at the end). Beside it, $RIG_FAULTS.log takes a line "WORD US" for
 * each C_Initialize and C_Login, and for each begin and end of a C_Sign: US is the monotonic clock in
 * microseconds. Threads: any. Layer above: any PKCS#11 program. Below: the
 * real module. */
#include "base/cleanup.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define RULES_MAX 16
#define WORD_SIZE 64
#define LINE_SIZE 256
#define ALWAYS (-1L)
#define SLICE_MS 20

enum action { NOTHING, DELAY, FAIL, HANG, WRONG, SHORT, ESCAPE };

struct rule {
	char function[WORD_SIZE];
	long left; /* calls that it still spoils, or ALWAYS */
	enum action action;
	long delay_ms;
	CK_RV answer;
};

static CK_FUNCTION_LIST *real, faulty;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[RULES_MAX];
static size_t rule_count;
static struct stat script;
static atomic_uint changes; /* of the script */

static const struct {
	const char *name;
	CK_RV answer;
} answers[] = {
	{ "CKR_DEVICE_ERROR", CKR_DEVICE_ERROR },
	{ "CKR_DEVICE_REMOVED", CKR_DEVICE_REMOVED },
	{ "CKR_TOKEN_NOT_PRESENT", CKR_TOKEN_NOT_PRESENT },
	{ "CKR_SESSION_HANDLE_INVALID", CKR_SESSION_HANDLE_INVALID },
	{ "CKR_OBJECT_HANDLE_INVALID", CKR_OBJECT_HANDLE_INVALID },
	{ "CKR_USER_NOT_LOGGED_IN", CKR_USER_NOT_LOGGED_IN },
	{ "CKR_PIN_INCORRECT", CKR_PIN_INCORRECT },
	{ "CKR_PIN_LOCKED", CKR_PIN_LOCKED },
	{ "CKR_SESSION_COUNT", CKR_SESSION_COUNT },
	{ "CKR_GENERAL_ERROR", CKR_GENERAL_ERROR },
};

/* A script that spoils nothing by mistake would prove nothing. */
static void mistake(const char *line)
{
	fprintf(stderr, "faulty module: no rule: %s\n", line);
	abort();
}

static CK_RV answer_of(const char *name, const char *line)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (!strcmp(answers[i].name, name))
			return answers[i].answer;
	mistake(line);
	return CKR_OK;
}

static void read_rule(const char *line)
{
	char count[WORD_SIZE], action[WORD_SIZE], value[WORD_SIZE] = "";
	struct rule *rule = &rules[rule_count];

	if (sscanf(line, "%63s %63s %63s %63s", rule->function, count, action, value) < 3 ||
	    rule_count + 1 == RULES_MAX)
		mistake(line);
	rule->left = strcmp(count, "always") ? atol(count) : ALWAYS;
	if (!strcmp(action, "delay"))
		rule->action = DELAY, rule->delay_ms = atol(value);
	else if (!strcmp(action, "fail"))
		rule->action = FAIL, rule->answer = answer_of(value, line);
	else if (!strcmp(action, "hang"))
		rule->action = HANG;
	else if (!strcmp(action, "wrong"))
		rule->action = WRONG;
	else if (!strcmp(action, "escape"))
		rule->action = ESCAPE;
	else if (!strcmp(action, "short"))
		rule->action = SHORT;
	else
		mistake(line);
	rule_count++;
}

static bool has_changed(const char *path)
{
	struct stat now;

	if (stat(path, &now) < 0)
		memset(&now, 0, sizeof(now));
	if (now.st_ino == script.st_ino && now.st_size == script.st_size &&
	    now.st_mtim.tv_sec == script.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == script.st_mtim.tv_nsec)
		return false;
	script = now;
	return true;
}

static void read_script(void)
{
	const char *path = getenv("RIG_FAULTS");
	char line[LINE_SIZE];
	FILE *file;

	if (!path || !has_changed(path))
		return;
	rule_count = 0;
	changes++;
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		if (line[strspn(line, " \n")])
			read_rule(line);
	fclose(file);
}

static void note(const char *word)
{
	const char *path = getenv("RIG_FAULTS");
	char name[4096], line[LINE_SIZE];
	struct timespec now;
	int fd;

	if (!path)
		return;
	snprintf(name, sizeof(name), "%s.log", path);
	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(line, sizeof(line), "%s %lld\n", word,
		 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		mistake(name);
	close(fd);
}

static void look_at_script(void)
{
	AUTO(lock) lock = lock_take(&mutex);

	read_script();
}

static struct rule take_rule(const char *function)
{
	AUTO(lock) lock = lock_take(&mutex);

	read_script();
	for (size_t i = 0; i < rule_count; i++) {
		if (strcmp(rules[i].function, function) || !rules[i].left)
			continue;
		if (rules[i].left != ALWAYS)
			rules[i].left--;
		return rules[i];
	}
	return (struct rule) { .action = NOTHING };
}

static void delay(long left_ms)
{
	unsigned before = changes;

	while (left_ms > 0 && changes == before) {
		long slice_ms = left_ms < SLICE_MS ? left_ms : SLICE_MS;

		nanosleep(&(struct timespec) { .tv_nsec = slice_ms * 1000000 }, NULL);
		left_ms -= slice_ms;
		if (left_ms > 0)
			look_at_script();
	}
}

static void escape(void)
{
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		note("network");
	if (execl("/nonexistent", "nonexistent", NULL) < 0 && errno == ENOENT)
		note("program");
	if (ptrace(PTRACE_ATTACH, 0, NULL, NULL) < 0 && errno == ESRCH)
		note("tracing");
	note("tried");
}

/* What the script says of this call: delays and hangs here; true if the real one is to be called. */
static bool meddle(const char *function, struct rule *ret_rule)
{
	*ret_rule = take_rule(function);
	if (ret_rule->action == DELAY)
		delay(ret_rule->delay_ms);
	if (ret_rule->action == ESCAPE)
		escape();
	while (ret_rule->action == HANG)
		pause();
	return ret_rule->action != FAIL;
}

static CK_RV faulty_C_Sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len,
			   CK_BYTE_PTR signature, CK_ULONG_PTR signature_len)
{
	struct rule rule;
	CK_RV answer;
	bool go_on;

	if (!signature) /* the length is asked for */
		return real->C_Sign(session, data, data_len, signature, signature_len);
	note("begin");
	go_on = meddle("C_Sign", &rule);
	answer = go_on ? real->C_Sign(session, data, data_len, signature, signature_len)
		       : rule.answer;
	note("end");
	if (answer == CKR_OK && rule.action == WRONG)
		signature[*signature_len - 1] ^= 1;
	if (answer == CKR_OK && rule.action == SHORT)
		(*signature_len)--;
	return answer;
}

static CK_RV faulty_C_Initialize(CK_VOID_PTR arguments)
{
	struct rule rule;

	note("C_Initialize");
	return meddle("C_Initialize", &rule) ? real->C_Initialize(arguments) : rule.answer;
}

static CK_RV faulty_C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE type, CK_UTF8CHAR_PTR pin,
			    CK_ULONG len)
{
	struct rule rule;

	note("C_Login");
	return meddle("C_Login", &rule) ? real->C_Login(session, type, pin, len) : rule.answer;
}

/* Those that are only spoilt: name, parameters, arguments. */
#define SPOILT(F)                                                                                  \
	F(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR count),              \
	  (present, list, count))                                                                  \
	F(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info), (slot, info))                 \
	F(C_OpenSession,                                                                           \
	  (CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR context, CK_NOTIFY notify,                 \
	   CK_SESSION_HANDLE_PTR session),                                                         \
	  (slot, flags, context, notify, session))                                                 \
	F(C_FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR what, CK_ULONG count),   \
	  (session, what, count))                                                                  \
	F(C_GetAttributeValue,                                                                     \
	  (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR what,              \
	   CK_ULONG count),                                                                        \
	  (session, object, what, count))                                                          \
	F(C_SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR how, CK_OBJECT_HANDLE key),     \
	  (session, how, key))

#define DEFINE(name, parameters, arguments)                                                        \
	static CK_RV faulty_##name parameters                                                      \
	{                                                                                          \
		struct rule rule;                                                                  \
                                                                                                   \
		return meddle(#name, &rule) ? real->name arguments : rule.answer;                  \
	}
SPOILT(DEFINE)

static CK_RV load_real(void)
{
	const char *path = getenv("RIG_MODULE");
	void *module = dlopen(path ? path : MODULE, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = NULL;

	if (module)
		get = (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList");
	return get ? get(&real) : CKR_GENERAL_ERROR;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR ret_list)
{
	AUTO(lock) lock = lock_take(&mutex);
	CK_RV answer = real ? CKR_OK : load_real();

	if (answer != CKR_OK)
		return answer;
	faulty = *real;
	faulty.C_Initialize = faulty_C_Initialize;
	faulty.C_Login = faulty_C_Login;
	faulty.C_Sign = faulty_C_Sign;
#define USE(name, parameters, arguments) faulty.name = faulty_##name;
	SPOILT(USE)
	*ret_list = &faulty;
	return CKR_OK;
}
