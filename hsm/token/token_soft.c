#include "hsm/token/token.h"

#include "hsm/token/module.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#define DEPTH_MAX 8
#define SLOTS_MAX 64
#define CONFIGURATION "softhsm2.conf"
#define OBJECTS "tokens"
#define UNFINISHED "tokens.new"

static bool sync_below(int folder_fd, const char *name, unsigned depth, struct err *e);

static bool sync_entries(DIR *folder, const char *name, unsigned depth, struct err *e)
{
	const struct dirent *entry;

	while ((errno = 0, entry = readdir(folder)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !sync_below(dirfd(folder), entry->d_name, depth + 1, e))
			return false;
	return errno == 0 || err_errno(e, ERR_SYSTEM, "cannot list the folder %s", name);
}

/* Files first, then the folder that names them. */
static bool sync_below(int folder_fd, const char *name, unsigned depth, struct err *e)
{
	AUTO(fd) fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	DIR *folder;
	bool done;

	if (fd < 0 || fstat(fd, &status) < 0)
		return err_errno(e, ERR_SYSTEM, "cannot open %s to sync it", name);
	if (S_ISDIR(status.st_mode)) {
		if (depth == DEPTH_MAX)
			return err_set(e, ERR_INVALID, "%s is nested too deeply for a token", name);
		folder = fdopendir(dup(fd));
		if (!folder)
			return err_errno(e, ERR_SYSTEM, "cannot list the folder %s", name);
		done = sync_entries(folder, name, depth, e);
		closedir(folder);
		if (!done)
			return false;
	}
	return fsync(fd) == 0 || err_errno(e, ERR_SYSTEM, "cannot sync %s", name);
}

bool token_sync(const char *folder, struct err *e)
{
	return sync_below(AT_FDCWD, folder, 0, e);
}

static bool make_folder(const char *path, struct err *e)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ||
	       err_errno(e, ERR_SYSTEM, "cannot make the folder %s", path);
}

static bool join(const char *folder, const char *name, char ret_path[static PATH_MAX],
		 struct err *e)
{
	return snprintf(ret_path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX ||
	       err_set(e, ERR_INVALID, "the path %s is too long", folder);
}

/* Tells SoftHSM (by its environment, too) where its tokens are. */
static bool configure(const char *folder, const char *objects, struct err *e)
{
	char path[PATH_MAX];
	AUTO(FILE) file = NULL;

	if (!join(folder, CONFIGURATION, path, e))
		return false;
	file = fopen(path, "we");
	if (!file ||
	    fprintf(file,
		    "directories.tokendir = %s\n"
		    "objectstore.backend = file\n"
		    "log.level = ERROR\n"
		    "slots.removable = false\n",
		    objects) < 0 ||
	    fflush(file) != 0)
		return err_errno(e, ERR_SYSTEM, "cannot write %s", path);
	return setenv("SOFTHSM2_CONF", path, 1) == 0 ||
	       err_errno(e, ERR_SYSTEM, "cannot set SOFTHSM2_CONF");
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status, (void)type, (void)ftw;
	return remove(path);
}

/* PKCS#11 pads labels with blanks and ends them with nothing. */
static void pad_label(const char *label, CK_UTF8CHAR ret_label[static TOKEN_LABEL_MAX])
{
	size_t len = strnlen(label, TOKEN_LABEL_MAX);

	memset(ret_label, ' ', TOKEN_LABEL_MAX);
	memcpy(ret_label, label, len);
}

static bool is_wanted(const CK_TOKEN_INFO *info, const CK_UTF8CHAR *label)
{
	if (!(info->flags & CKF_TOKEN_INITIALIZED))
		return !label;
	return label && memcmp(info->label, label, TOKEN_LABEL_MAX) == 0;
}

/* The slot of the token with that label, or of an empty one with label NULL. */
static bool find_slot(struct module *m, const CK_UTF8CHAR *label, CK_SLOT_ID *ret_slot,
		      struct err *e)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	CK_RV answer = m->call->C_GetSlotList(CK_TRUE, slots, &count);
	CK_TOKEN_INFO info;

	if (answer != CKR_OK)
		return module_error(answer, "list the tokens", e);
	for (CK_ULONG i = 0; i < count; i++) {
		if (m->call->C_GetTokenInfo(slots[i], &info) == CKR_OK && is_wanted(&info, label)) {
			*ret_slot = slots[i];
			return true;
		}
	}
	return err_set(e, ERR_TOKEN, "the new token does not appear");
}

static bool set_user_pin(struct module *m, CK_SLOT_ID slot, const char *pin, const char *so_pin,
			 struct err *e)
{
	CK_SESSION_HANDLE session;
	CK_RV answer = m->call->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
					      &session);

	if (answer != CKR_OK)
		return module_error(answer, "open a session of the new token", e);
	answer = m->call->C_Login(session, CKU_SO, (CK_UTF8CHAR *)so_pin, strlen(so_pin));
	if (answer == CKR_OK)
		answer = m->call->C_InitPIN(session, (CK_UTF8CHAR *)pin, strlen(pin));
	m->call->C_CloseSession(session);
	return answer == CKR_OK || module_error(answer, "set the new token's PIN", e);
}

static bool init_token(struct module *m, const char *label, const char *pin, const char *so_pin,
		       struct err *e)
{
	CK_UTF8CHAR padded[TOKEN_LABEL_MAX];
	CK_SLOT_ID slot;
	CK_RV answer;

	pad_label(label, padded);
	if (!find_slot(m, NULL, &slot, e))
		return err_set(e, ERR_TOKEN, "the PKCS#11 module offers no empty token");
	answer = m->call->C_InitToken(slot, (CK_UTF8CHAR *)so_pin, strlen(so_pin), padded);
	if (answer != CKR_OK)
		return module_error(answer, "make a new token", e);
	return find_slot(m, padded, &slot, e) && set_user_pin(m, slot, pin, so_pin, e);
}

static bool run_module(const char *path, const char *label, const char *pin, const char *so_pin,
		       struct err *e)
{
	CK_C_INITIALIZE_ARGS arguments = { .flags = CKF_OS_LOCKING_OK };
	struct module m;
	CK_RV answer;
	bool done;

	if (!module_load(path, &m, e))
		return false;
	answer = m.call->C_Initialize(&arguments);
	done = answer == CKR_OK ? init_token(&m, label, pin, so_pin, e)
				: module_error(answer, "start SoftHSM", e);
	if (answer == CKR_OK)
		m.call->C_Finalize(NULL);
	module_unload(&m);
	return done;
}

/* Under another name until it is whole, for SoftHSM chokes on a token that was begun only. */
static bool make_token(const char *module, const char *folder, const char *objects,
		       const char *label, const char *pin, const char *so_pin, struct err *e)
{
	char unfinished[PATH_MAX];

	if (!join(folder, UNFINISHED, unfinished, e))
		return false;
	nftw(unfinished, remove_one, DEPTH_MAX, FTW_DEPTH | FTW_PHYS);
	if (!make_folder(unfinished, e) || !configure(folder, unfinished, e) ||
	    !run_module(module, label, pin, so_pin, e) || !token_sync(unfinished, e))
		return false;
	return rename(unfinished, objects) == 0 ||
	       err_errno(e, ERR_SYSTEM, "cannot name %s", objects);
}

bool token_init_soft(const char *module, const char *folder, const char *label, const char *pin,
		     const char *so_pin, struct err *e)
{
	char objects[PATH_MAX];

	if (!make_folder(folder, e) || !join(folder, OBJECTS, objects, e))
		return false;
	if (access(objects, F_OK) < 0 &&
	    !make_token(module, folder, objects, label, pin, so_pin, e))
		return false;
	return configure(folder, objects, e) && token_sync(folder, e);
}
