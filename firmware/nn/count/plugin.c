/* A plugin of QEMU that counts what the guest does between marks: instructions, loads, stores, and what of them leaves a first and a
 * second cache. A mark is a call of getppid, which neither a net nor a runtime needs. Arguments, all optional:
 *   memory=on        counts loads and stores too, from the first mark on (five times as slow)
 *   l1=KIB:WAYS l2=KIB:WAYS   sizes of the caches, lines of 64 bytes, least recently used out first
 *   blocks=FILE from=N to=N   writes how often each block of instructions ran between two marks, with its code
 * The few declarations of qemu-plugin.h (interface 1) that it needs stand here, because Debian ships no header. */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*translated)(uint64_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int add, void *counter, uint64_t value);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, void (*touched)(unsigned cpu, uint32_t info, uint64_t at, void *),
                                      int registers, int loads_and_stores, void *data);
unsigned qemu_plugin_mem_size_shift(uint32_t info);
_Bool qemu_plugin_mem_is_store(uint32_t info);
void qemu_plugin_register_vcpu_syscall_cb(uint64_t id, void (*called)(uint64_t id, unsigned cpu, int64_t number, uint64_t, uint64_t,
                                                                       uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));
void qemu_plugin_register_atexit_cb(uint64_t id, void (*ended)(uint64_t id, void *data), void *data);
void qemu_plugin_outs(const char *text);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { GETPPID_ARM64 = 173, GETPPID_X86 = 110, LINE_BITS = 6, LOADS_AND_STORES = 3 };

static uint64_t instructions, loads, stores, load_bytes, store_bytes;
static int64_t getppid_number = GETPPID_ARM64;
static int memory;
static uint64_t marks, from_mark, to_mark = UINT64_MAX;
static const char *blocks_file;

/* ---- caches: sets of lines, the one touched last in front */
struct cache {
  uint64_t *lines, sets, ways, misses;
};
static struct cache l1, l2;

static void cache_make(struct cache *cache, uint64_t kib, uint64_t ways) {
  cache->ways = ways;
  cache->sets = (kib * 1024 >> LINE_BITS) / ways;
  cache->lines = calloc(cache->sets * ways, sizeof *cache->lines);
}

/* Whether the line was there; it is afterwards. */
static int cache_touch(struct cache *cache, uint64_t line) {
  uint64_t *set = cache->lines + line % cache->sets * cache->ways, way = 0;
  while (way < cache->ways - 1 && set[way] != line) way++;
  int hit = set[way] == line;
  memmove(set + 1, set, way * sizeof *set);
  set[0] = line;
  cache->misses += !hit;
  return hit;
}

static void touched(unsigned cpu, uint32_t info, uint64_t at, void *data) {
  (void)cpu, (void)data;
  if (!marks) return; /* a language's start */
  uint64_t bytes = UINT64_C(1) << qemu_plugin_mem_size_shift(info);
  if (qemu_plugin_mem_is_store(info)) stores++, store_bytes += bytes;
  else loads++, load_bytes += bytes;
  for (uint64_t line = at >> LINE_BITS; l1.lines && line <= (at + bytes - 1) >> LINE_BITS; line++)
    if (!cache_touch(&l1, line) && l2.lines) cache_touch(&l2, line);
}

/* ---- blocks */
struct block {
  struct block *next;
  uint64_t ran, at, bytes;
  unsigned char code[];
};
static struct block *blocks;

static struct block *block_of(struct qemu_plugin_tb *tb) {
  size_t count = qemu_plugin_tb_n_insns(tb), bytes = 0;
  for (size_t i = 0; i < count; i++) bytes += qemu_plugin_insn_size(qemu_plugin_tb_get_insn(tb, i));
  struct block *block = malloc(sizeof *block + bytes);
  *block = (struct block){.next = blocks, .at = qemu_plugin_tb_vaddr(tb)};
  for (size_t i = 0; i < count; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    memcpy(block->code + block->bytes, qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn));
    block->bytes += qemu_plugin_insn_size(insn);
  }
  return blocks = block;
}

/* Lines of: times, address, code in hexadecimal digits. */
static void write_blocks(void) {
  FILE *file = fopen(blocks_file, "w");
  for (struct block *block = blocks; file && block; block = block->next) {
    if (!block->ran) continue;
    fprintf(file, "%" PRIu64 " %" PRIx64 " ", block->ran, block->at);
    for (uint64_t i = 0; i < block->bytes; i++) fprintf(file, "%02x", block->code[i]);
    fputc('\n', file);
  }
  if (!file || fclose(file)) perror(blocks_file), exit(1);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  size_t count = qemu_plugin_tb_n_insns(tb);
  qemu_plugin_register_vcpu_tb_exec_inline(tb, 0, &instructions, count);
  if (blocks_file) qemu_plugin_register_vcpu_tb_exec_inline(tb, 0, &block_of(tb)->ran, 1);
  for (size_t i = 0; memory && i < count; i++)
    qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), touched, 0, LOADS_AND_STORES, NULL);
}

static void say(const char *what) {
  char text[256];
  snprintf(text, sizeof text, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", what,
           instructions, loads, stores, load_bytes, store_bytes, l1.misses, l2.misses);
  qemu_plugin_outs(text);
}

static void called(uint64_t id, unsigned cpu, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f,
                   uint64_t g, uint64_t h) {
  (void)id, (void)cpu, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
  if (number != getppid_number) return;
  say("mark");
  if (blocks_file && marks == from_mark)
    for (struct block *block = blocks; block; block = block->next) block->ran = 0;
  if (blocks_file && marks == to_mark) write_blocks();
  marks++;
}

static void ended(uint64_t id, void *data) {
  (void)id, (void)data;
  say("end");
}

static void set_cache(struct cache *cache, const char *text) {
  unsigned kib, ways;
  if (sscanf(text, "%u:%u", &kib, &ways) == 2 && ways) cache_make(cache, kib, ways);
}

__attribute__((visibility("default"))) int qemu_plugin_install(uint64_t id, const char **info, int argc, char **argv) {
  if (!strcmp(*info, "x86_64")) getppid_number = GETPPID_X86; /* the target's name is the description's first field */
  for (int i = 0; i < argc; i++) {
    char *value = strchr(argv[i], '=');
    if (!value++) return -1;
    if (!strncmp(argv[i], "memory=", 7)) memory = !strcmp(value, "on");
    else if (!strncmp(argv[i], "l1=", 3)) set_cache(&l1, value);
    else if (!strncmp(argv[i], "l2=", 3)) set_cache(&l2, value);
    else if (!strncmp(argv[i], "blocks=", 7)) blocks_file = strdup(value);
    else if (!strncmp(argv[i], "from=", 5)) from_mark = strtoull(value, NULL, 10);
    else if (!strncmp(argv[i], "to=", 3)) to_mark = strtoull(value, NULL, 10);
    else return -1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_vcpu_syscall_cb(id, called);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
