#include "hsm/token/token.h"

#include "hsm/x509/crypto.h"
#include "hsm/token/module.h"
#include "hsm/token/spki.h"
#include "hsm/token/token_inside.h"
#include "hsm/token/token_uri.h"
#include "tests/unit/soft.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define THREADS 8
#define SIGNATURES 25

static struct token_config config;
static const uint8_t data[] = "what is signed";

static int up(void **state)
{
	struct err e;

	(void)state;
	if (soft_up(&config, &e))
		return 0;
	print_error("%s\n", e.text);
	return -1;
}

static int down(void **state)
{
	(void)state;
	soft_down();
	return 0;
}

static struct token *open_token(void)
{
	struct token *token = NULL;
	struct err e = { 0 };

	if (!token_open(&config, &token, &e))
		fail_msg("%s", e.text);
	return token;
}

/* A key made in a token that is closed again: its SPKI. */
static size_t make_key(enum token_key_type type, uint8_t spki[static SPKI_MAX])
{
	AUTO(token) token = open_token();
	struct err e = { 0 };
	size_t len = 0;

	if (!token_make_key(token, type, "test", spki, &len, &e))
		fail_msg("%s", e.text);
	return len;
}

static bool verifies(const struct token_key *key, struct bytes text, struct bytes signature)
{
	AUTO(EVP_MD_CTX) context = EVP_MD_CTX_new();

	return EVP_DigestVerifyInit(context, NULL, spki_hash(token_type(key)), NULL,
				    token_public(key)) == 1 &&
	       EVP_DigestVerify(context, signature.data, signature.len, text.data, text.len) == 1;
}

static void every_type_is_made_found_and_signs(void **state)
{
	static const char *const names[] = { "ec-p256", "ec-p384", "rsa-2048", "rsa-3072",
					     "rsa-4096" };
	(void)state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint8_t spki[SPKI_MAX], signature[TOKEN_SIGNATURE_MAX];
		enum token_key_type type;
		struct token_key *key;
		struct err e = { 0 };
		size_t len, signature_len = 0;

		assert_true(token_key_type_of(names[i], &type));
		assert_string_equal(token_key_type_name(type), names[i]);
		len = make_key(type, spki);
		AUTO(token) token = open_token();
		if (!token_key(token, bytes_of(spki, len), &key, &e) ||
		    !token_sign(key, BYTES(data), signature, &signature_len, &e))
			fail_msg("%s: %s", names[i], e.text);
		assert_int_equal(token_type(key), type);
		assert_true(verifies(key, BYTES(data), bytes_of(signature, signature_len)));
		assert_int_equal(token_algorithm(key).data[0], 0x30);
	}
	assert_false(token_key_type_of("dsa", &(enum token_key_type) { 0 }));
}

static void a_key_is_usable_in_the_session_that_made_it(void **state)
{
	uint8_t first[SPKI_MAX], second[SPKI_MAX];
	size_t first_len, second_len;
	struct token_key *key;
	struct err e;
	AUTO(token) token = open_token();

	(void)state;
	assert_true(token_make_key(token, KEY_EC_P256, "a", first, &first_len, &e));
	assert_true(token_make_key(token, KEY_EC_P256, "b", second, &second_len, &e));
	assert_true(token_key(token, bytes_of(first, first_len), &key, &e));
	assert_true(token_key(token, bytes_of(second, second_len), &key, &e));
}

static void every_attribute_is_set(void **state)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		CK_BBOOL wanted;
	} private_attributes[] = {
		{ CKA_TOKEN, CK_TRUE },	       { CKA_PRIVATE, CK_TRUE },
		{ CKA_SENSITIVE, CK_TRUE },    { CKA_ALWAYS_SENSITIVE, CK_TRUE },
		{ CKA_EXTRACTABLE, CK_FALSE }, { CKA_NEVER_EXTRACTABLE, CK_TRUE },
		{ CKA_LOCAL, CK_TRUE },	       { CKA_SIGN, CK_TRUE },
		{ CKA_DECRYPT, CK_FALSE },     { CKA_UNWRAP, CK_FALSE },
		{ CKA_DERIVE, CK_FALSE },
	};
	uint8_t spki[SPKI_MAX], id[TOKEN_ID_LEN];
	size_t len = make_key(KEY_EC_P256, spki), count;
	CK_OBJECT_HANDLE object;
	struct err e;
	AUTO(token) token = open_token();

	(void)state;
	assert_true(token_id(bytes_of(spki, len), id, &e));
	assert_true(module_find(&token->module, token->session, CKO_PRIVATE_KEY, BYTES(id), &object,
				1, &count, &e));
	assert_int_equal(count, 1);
	for (size_t i = 0; i < sizeof(private_attributes) / sizeof(*private_attributes); i++) {
		CK_BBOOL value = 77;
		size_t value_len = sizeof(value);

		assert_true(module_attribute(&token->module, token->session, object,
					     private_attributes[i].type, &value, &value_len));
		assert_int_equal(value, private_attributes[i].wanted);
	}
}

/* Ways to spoil the PIN's file, and the word that must appear. */
static void a_bad_pin_is_err_pin(void **state)
{
	static const struct {
		const char *name, *text;
		mode_t mode;
		const char *says;
	} cases[] = {
		{ "wrong", "not-the-pin\n", 0600, "refused the PIN" },
		{ "open-to-others", SOFT_PIN, 0644, "chmod 600" },
		{ "open-to-group", SOFT_PIN, 0640, "chmod 600" },
		{ "empty", "", 0600, "one line" },
		{ "two-lines", SOFT_PIN "\nmore\n", 0600, "one line" },
	};
	struct token_config bad = config;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct token *token = NULL;
		struct err e = { 0 };

		assert_true(soft_write(cases[i].name, cases[i].text, cases[i].mode, bad.pin_file));
		assert_false(token_open(&bad, &token, &e));
		assert_int_equal(e.code, ERR_PIN);
		if (!strstr(e.text, cases[i].says))
			fail_msg("%s: %s", cases[i].name, e.text);
		assert_null(strstr(e.text, SOFT_PIN));
	}
}

/* Each row is one start: the PIN in the file, and what is said; NULL: the token opens. */
static void no_pin_is_tried_twice(void **state)
{
	static const struct {
		const char *pin, *says;
	} starts[] = {
		{ "not-the-pin\n", "refused the PIN" },
		{ "not-the-pin\n", "refused this PIN before" },
		{ "not-the-pin", "refused this PIN before" }, /* the same but for its line end */
		{ "another-one\n", "refused the PIN" },
		{ "another-one\n", "refused this PIN before" },
		{ SOFT_PIN "\n", NULL },
		{ SOFT_PIN "\n", NULL },
		{ "not-the-pin\n", "refused the PIN" }, /* the mark was gone */
		{ SOFT_PIN "\n", NULL },
	};
	struct token_config marked = config;

	(void)state;
	snprintf(marked.pin_mark, sizeof(marked.pin_mark), "%s/pin-refused", soft_folder);
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		AUTO(token) token = NULL;
		struct err e = { 0 };

		assert_true(soft_write("marked-pin", starts[i].pin, 0600, marked.pin_file));
		if (token_open(&marked, &token, &e) != !starts[i].says)
			fail_msg("start %zu: %s", i, e.text);
		assert_int_equal(access(marked.pin_mark, F_OK) == 0, starts[i].says != NULL);
		if (starts[i].says && (e.code != ERR_PIN || !strstr(e.text, starts[i].says)))
			fail_msg("start %zu: %s", i, e.text);
	}
}

static void a_bad_place_is_told_apart(void **state)
{
	static const struct {
		const char *module, *label, *pin;
		int code;
	} cases[] = {
		{ "/nowhere.so", SOFT_LABEL, NULL, ERR_INVALID },
		{ "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", SOFT_LABEL, NULL, ERR_INVALID },
		{ SOFT_MODULE, "another", NULL, ERR_TOKEN },
		{ SOFT_MODULE, SOFT_LABEL, "/nowhere", ERR_PIN },
		{ SOFT_MODULE, SOFT_LABEL, "", ERR_PIN },
	};

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct token_config bad = config;
		struct token *token = NULL;
		struct err e = { 0 };

		strcpy(bad.module, cases[i].module);
		strcpy(bad.label, cases[i].label);
		if (cases[i].pin)
			strcpy(bad.pin_file, cases[i].pin);
		assert_false(token_open(&bad, &token, &e));
		assert_int_equal(e.code, cases[i].code);
	}
}

static void the_systemd_credential_serves(void **state)
{
	struct token_config other = config;
	char path[PATH_MAX];
	struct err e = { 0 };
	AUTO(token) token = NULL;

	(void)state;
	assert_true(soft_write("token-pin", SOFT_PIN, 0440, path));
	setenv("CREDENTIALS_DIRECTORY", soft_folder, 1);
	other.pin_file[0] = '\0';
	if (!token_open(&other, &token, &e))
		fail_msg("%s", e.text);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void an_unknown_key_is_not_found(void **state)
{
	AUTO(EVP_PKEY) other = EVP_EC_gen("P-256");
	uint8_t *spki = NULL;
	int len = i2d_PUBKEY(other, &spki);
	struct token_key *key;
	struct err e = { 0 };
	AUTO(token) token = open_token();

	(void)state;
	assert_false(token_key(token, bytes_of(spki, (size_t)len), &key, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	OPENSSL_free(spki);
}

/* What somebody else could have done to the objects of a key, through their own session. */
enum spoil { FOREIGN_ID, NO_PUBLIC, WRONG_KEY, FOREIGN_ID_NO_PUBLIC };

static void spoil_key(struct bytes spki, enum spoil how, struct bytes other_spki)
{
	AUTO(token) token = open_token();
	CK_ATTRIBUTE attribute = { CKA_ID, "any", 3 };
	CK_FUNCTION_LIST *call = token->module.call;
	uint8_t id[TOKEN_ID_LEN], other_id[TOKEN_ID_LEN];
	CK_OBJECT_HANDLE objects[2];
	CK_SESSION_HANDLE session;
	size_t count;
	struct err e;

	assert_true(token_id(spki, id, &e) && token_id(other_spki, other_id, &e));
	assert_int_equal(call->C_OpenSession(PKCS11_get_slotid_from_slot(token->slot),
					     CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
					     &session),
			 CKR_OK);
	assert_true(module_find(&token->module, session, CKO_PRIVATE_KEY, BYTES(id), &objects[0], 1,
				&count, &e) &&
		    count == 1);
	assert_true(module_find(&token->module, session, CKO_PUBLIC_KEY, BYTES(id), &objects[1], 1,
				&count, &e) &&
		    count == 1);
	if (how == NO_PUBLIC || how == FOREIGN_ID_NO_PUBLIC)
		assert_int_equal(call->C_DestroyObject(session, objects[1]), CKR_OK);
	if (how == WRONG_KEY)
		attribute = (CK_ATTRIBUTE) { CKA_ID, other_id, sizeof(other_id) };
	for (size_t i = 0; i < (how == FOREIGN_ID_NO_PUBLIC ? 1 : 2) && how != NO_PUBLIC; i++)
		assert_int_equal(call->C_SetAttributeValue(session, objects[i], &attribute, 1),
				 CKR_OK);
	call->C_CloseSession(session);
}

static void keys_of_others_are_found_or_refused(void **state)
{
	static const struct {
		const char *name;
		enum spoil how;
		enum token_key_type type;
		int code; /* 0: found, and signs */
	} cases[] = {
		{ "CKA_ID is not ours", FOREIGN_ID, KEY_EC_P256, 0 },
		{ "CKA_ID is not ours, RSA", FOREIGN_ID, KEY_RSA_2048, 0 },
		{ "no public object", NO_PUBLIC, KEY_EC_P256, 0 },
		{ "no public object, P-384", NO_PUBLIC, KEY_EC_P384, 0 },
		{ "neither", FOREIGN_ID_NO_PUBLIC, KEY_EC_P256, 0 },
		{ "CKA_ID of another key", WRONG_KEY, KEY_EC_P256, ERR_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		AUTO(EVP_PKEY) other = EVP_EC_gen("P-256");
		uint8_t spki[SPKI_MAX], *other_spki = NULL;
		size_t len = make_key(cases[i].type, spki);
		struct bytes other_bytes, wanted = bytes_of(spki, len);
		struct token_key *key;
		struct err e = { 0 };
		bool found;

		other_bytes.len = (size_t)i2d_PUBKEY(other, &other_spki);
		other_bytes.data = other_spki;
		spoil_key(bytes_of(spki, len), cases[i].how, other_bytes);
		if (cases[i].how == WRONG_KEY)
			wanted = other_bytes;
		AUTO(token) token = open_token();
		found = token_key(token, wanted, &key, &e);
		if (found != (cases[i].code == 0) || (!found && e.code != cases[i].code))
			fail_msg("%s: %s", cases[i].name, e.text);
		OPENSSL_free(other_spki);
	}
}

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/* A key pair as an incautious tool makes it. */
static size_t careless_key(struct token *token, const char *id, CK_BBOOL *extractable,
			   CK_BBOOL *sensitive, uint8_t spki[static SPKI_MAX])
{
	CK_FUNCTION_LIST *call = token->module.call;
	struct bytes curve = spki_curve_oid(KEY_EC_P256);
	CK_ATTRIBUTE public[] = { { CKA_TOKEN, &yes, 1 },
				  { CKA_VERIFY, &yes, 1 },
				  { CKA_ID, (void *)id, strlen(id) },
				  { CKA_EC_PARAMS, (void *)curve.data, curve.len } };
	CK_ATTRIBUTE private[] = { { CKA_TOKEN, &yes, 1 },
				   { CKA_PRIVATE, &yes, 1 },
				   { CKA_SIGN, &yes, 1 },
				   { CKA_ID, (void *)id, strlen(id) },
				   { CKA_EXTRACTABLE, extractable, 1 },
				   { CKA_SENSITIVE, sensitive, 1 } };
	CK_MECHANISM mechanism = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_OBJECT_HANDLE public_key, private_key;
	CK_SESSION_HANDLE session;
	struct der_writer w = der_writer(spki, SPKI_MAX);
	uint8_t point[100];
	size_t len = sizeof(point);

	assert_int_equal(call->C_OpenSession(PKCS11_get_slotid_from_slot(token->slot),
					     CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
					     &session),
			 CKR_OK);
	assert_int_equal(call->C_GenerateKeyPair(session, &mechanism, public, 4, private, 6,
						 &public_key, &private_key),
			 CKR_OK);
	assert_true(
		module_attribute(&token->module, session, public_key, CKA_EC_POINT, point, &len));
	spki_write_ec(&w, KEY_EC_P256, bytes_of(point + 2, len - 2));
	call->C_CloseSession(session);
	return w.len;
}

static void a_key_that_could_leave_is_refused(void **state)
{
	static const struct {
		const char *name;
		CK_BBOOL *extractable, *sensitive;
	} cases[] = {
		{ "CKA_EXTRACTABLE", &yes, &yes },
		{ "CKA_SENSITIVE", &no, &no },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		AUTO(token) token = open_token();
		uint8_t spki[SPKI_MAX];
		size_t len = careless_key(token, cases[i].name, cases[i].extractable,
					  cases[i].sensitive, spki);
		struct token_key *key;
		struct err e = { 0 };

		assert_false(token_key(token, bytes_of(spki, len), &key, &e));
		assert_int_equal(e.code, ERR_REFUSED);
		if (!strstr(e.text, cases[i].name))
			fail_msg("%s: %s", cases[i].name, e.text);
	}
}

struct crowd {
	struct token_key *key;
	int bad;
};

static void *sign_many(void *argument)
{
	struct crowd *crowd = argument;
	uint8_t signature[TOKEN_SIGNATURE_MAX];
	struct err e;
	size_t len;

	for (int i = 0; i < SIGNATURES; i++)
		if (!token_sign(crowd->key, BYTES(data), signature, &len, &e) ||
		    !verifies(crowd->key, BYTES(data), bytes_of(signature, len)))
			__atomic_add_fetch(&crowd->bad, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void many_threads_sign(void **state)
{
	uint8_t spki[SPKI_MAX];
	size_t len = make_key(KEY_EC_P256, spki);
	struct crowd crowd = { 0 };
	pthread_t threads[THREADS];
	struct err e;
	AUTO(token) token = open_token();

	(void)state;
	assert_true(token_key(token, bytes_of(spki, len), &crowd.key, &e));
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sign_many, &crowd), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crowd.bad, 0);
}

static void a_lost_token_fails_and_comes_back(void **state)
{
	uint8_t spki[SPKI_MAX], signature[TOKEN_SIGNATURE_MAX];
	size_t len = make_key(KEY_EC_P256, spki), signature_len;
	char here[PATH_MAX], away[PATH_MAX];
	struct token *token = open_token();
	struct token_key *key;
	struct err e = { 0 };

	(void)state;
	snprintf(here, sizeof(here), "%s/token/tokens", soft_folder);
	snprintf(away, sizeof(away), "%s/token/away", soft_folder);
	assert_true(token_key(token, bytes_of(spki, len), &key, &e));
	assert_int_equal(rename(here, away), 0);
	assert_false(token_sign(key, BYTES(data), signature, &signature_len, &e));
	assert_int_equal(e.code, ERR_TOKEN);
	assert_int_equal(rename(away, here), 0);
	token_close(token);
	token = open_token();
	assert_true(token_key(token, bytes_of(spki, len), &key, &e));
	assert_true(token_sign(key, BYTES(data), signature, &signature_len, &e));
	token_close(token);
}

static bool find_object(char ret_path[static PATH_MAX])
{
	char pattern[PATH_MAX];
	glob_t found;
	bool one;

	snprintf(pattern, sizeof(pattern), "%s/token/tokens/*/token.object", soft_folder);
	one = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc == 1;
	if (one)
		snprintf(ret_path, PATH_MAX, "%s", found.gl_pathv[0]);
	globfree(&found);
	return one;
}

/* SoftHSM empties token.object at each login before it writes it again. */
static void a_token_cut_off_in_a_login_comes_back(void **state)
{
	static const struct {
		const char *name;
		off_t len;
		bool zeros;
	} cases[] = {
		{ "empty", 0, false },
		{ "short", 100, false },
		{ "zeros", 320, true },
	};
	uint8_t spki[SPKI_MAX];
	size_t len = make_key(KEY_EC_P256, spki);
	char path[PATH_MAX];
	struct token_key *key;
	struct err e = { 0 };

	(void)state;
	assert_true(find_object(path));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (cases[i].zeros)
			assert_int_equal(truncate(path, 0), 0);
		assert_int_equal(truncate(path, cases[i].len), 0);
		AUTO(token) token = open_token();
		if (!token_key(token, bytes_of(spki, len), &key, &e))
			fail_msg("%s: %s", cases[i].name, e.text);
	}
	assert_int_equal(unlink(path), 0);
	AUTO(token) token = open_token();
	assert_true(token_key(token, bytes_of(spki, len), &key, &e));
}

static void init_again_changes_nothing(void **state)
{
	char folder[PATH_MAX];
	struct err e = { 0 };
	AUTO(token) token = NULL;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/token", soft_folder);
	if (!token_init_soft(SOFT_MODULE, folder, SOFT_LABEL, "another-pin", "another-so-pin", &e))
		fail_msg("%s", e.text);
	token = open_token();
	assert_true(token_sync(folder, &e));
	assert_false(token_sync("/nowhere", &e));
}

static void uris(void **state)
{
	static const struct {
		const char *uri, *label, *module; /* label NULL: refused */
	} cases[] = {
		{ "pkcs11:token=T", "T", "" },
		{ "pkcs11:token=my%20token?module-path=/x.so", "my token", "/x.so" },
		{ "pkcs11:?module-path=/a%2fb.so&token=T", "T", "/a/b.so" },
		{ "pkcs11:", NULL, NULL },
		{ "pkcs11:token=", NULL, NULL },
		{ "pkcs11:token=%", NULL, NULL },
		{ "pkcs11:token=%4", NULL, NULL },
		{ "pkcs11:token=%0a", NULL, NULL },
		{ "pkcs11:token=T;object=k", NULL, NULL },
		{ "pkcs11:token=T?pin-value=1234", NULL, NULL },
		{ "pkcs11:token=123456789012345678901234567890123", NULL, NULL },
		{ "hard", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct token_config read = { 0 };
		struct err e = { 0 };
		bool good = token_uri(cases[i].uri, &read, &e);

		if (good != (cases[i].label != NULL))
			fail_msg("%s: %s", cases[i].uri, e.text);
		if (!good) {
			assert_int_equal(e.code, ERR_USAGE);
			assert_null(strstr(e.text, "1234\""));
			continue;
		}
		assert_string_equal(read.label, cases[i].label);
		assert_string_equal(read.module, cases[i].module);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_made_found_and_signs),
		cmocka_unit_test(a_key_is_usable_in_the_session_that_made_it),
		cmocka_unit_test(every_attribute_is_set),
		cmocka_unit_test(a_bad_pin_is_err_pin),
		cmocka_unit_test(no_pin_is_tried_twice),
		cmocka_unit_test(a_bad_place_is_told_apart),
		cmocka_unit_test(the_systemd_credential_serves),
		cmocka_unit_test(an_unknown_key_is_not_found),
		cmocka_unit_test(keys_of_others_are_found_or_refused),
		cmocka_unit_test(a_key_that_could_leave_is_refused),
		cmocka_unit_test(many_threads_sign),
		cmocka_unit_test(a_lost_token_fails_and_comes_back),
		cmocka_unit_test(a_token_cut_off_in_a_login_comes_back),
		cmocka_unit_test(init_again_changes_nothing),
		cmocka_unit_test(uris),
	};

	return cmocka_run_group_tests(tests, up, down);
}
