// Surrounds the core when it is simulated, with a DRAM, a clock, and a conversation on standard input and
// output. One process runs any number of programs, each on a core that is built afresh.
//
// Start reading at run(): one cycle is a dozen lines. The rules that comments quote are in
// docs/microarchitecture.md.
//
// The conversation
// ----------------
// Everything is little-endian; a word has 8 bytes. crates/rtl/src/protocol.rs is the other side.
//
// Request:  word  magic, "EDIACARA"
//           word  dram.latency_cycles, numerator and denominator of dram.bytes_per_cycle (three words)
//           word  give up after this many cycles
//           word  base of the code in DRAM
//           word  number of instructions
//           word  flags: 1 = report events, 2 = report memories
//           word  seed of the registers that reset leaves alone; 0 = they are zero
//           words what the 16 scalar registers hold before cycle 0
//           word  number of regions, each:
//                   word  memory: 0 DRAM, 1 NRAM, 2 WRAM, 3 ARAM, 4 PRAM
//                   word  address in bytes
//                   word  length in bytes, then the bytes
//
// Reply:    chunks: word kind, word length, then so many bytes
//             1 events    16 bytes each: word cycle; word kind << 56 | engine << 48 | instruction or address
//                         kind: 0 issue, 1 start, 2 grant, 3 commit
//                         engine: 0 control, 1 load, 2 matrix, 3 vector, 4 store; of a grant 0 fetch, 1 load, 2 store
//                         In the order in which crates/sim reports a cycle: issue; starts; grant; commits.
//             2 progress  word cycle; now and then
//             3 end       words cycles, fault kind (as the core has them; 254 the limit, 255 none),
//                         fault instruction, fault cycle
//             4 memory    word memory (1..4), then everything that it holds
//             5 page      word address, then a page of DRAM; one for every page that was ever written
//             6 done      nothing
//
// All memories are zero where no region says otherwise. The end of the input ends the process.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include <unistd.h>

#include "Vediacara_core.h"
#include "Vediacara_core___024root.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

// Signals are copied as bytes.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the harness needs a little-endian host");

namespace {

constexpr uint64_t MAGIC = 0x4152414341494445ull;
constexpr size_t PAGE_BYTES = 1 << 16;
constexpr size_t BURST_BYTES = sizeof(Vediacara_core::request_data);
constexpr uint64_t REPORT_EVENTS = 1, REPORT_MEMORIES = 2;
constexpr uint64_t FAULT_LIMIT = 254, NO_FAULT = 255;

enum class Chunk : uint64_t { events = 1, progress, end, memory, page, done };
enum class Kind : uint64_t { issue, start, grant, commit };

// Standard input and output

[[noreturn]] void fail(const char* message) {
    std::fprintf(stderr, "harness: %s\n", message);
    std::exit(2);
}

// False at the end of the input.
bool try_read(void* to, size_t length) {
    const size_t found = std::fread(to, 1, length, stdin);
    if (found == 0 && length != 0 && std::feof(stdin)) return false;
    if (found != length) fail("the request is cut short");
    return true;
}

uint64_t read_word() {
    uint64_t word = 0;
    if (!try_read(&word, sizeof word)) fail("the request is cut short");
    return word;
}

class Writer {
public:
    explicit Writer(FILE* file) : file_(file) {}

    void chunk(Chunk kind, const std::vector<uint8_t>& payload) {
        const uint64_t head[2] = {static_cast<uint64_t>(kind), payload.size()};
        put(head, sizeof head);
        put(payload.data(), payload.size());
    }

    void flush() {
        if (std::fflush(file_) != 0) fail("standard output was closed");
    }

private:
    void put(const void* from, size_t length) {
        if (std::fwrite(from, 1, length, file_) != length) fail("standard output was closed");
    }

    FILE* file_;
};

void append(std::vector<uint8_t>& to, const void* from, size_t length) {
    const auto* bytes = static_cast<const uint8_t*>(from);
    to.insert(to.end(), bytes, bytes + length);
}

void append_word(std::vector<uint8_t>& to, uint64_t word) { append(to, &word, sizeof word); }

// Requests

struct Region {
    uint64_t memory = 0;
    uint64_t address = 0;
    std::vector<uint8_t> bytes;
};

struct Request {
    uint64_t latency = 0, numerator = 0, denominator = 0;
    uint64_t limit = 0;
    uint64_t code_base = 0, code_length = 0;
    uint64_t flags = 0;
    uint64_t seed = 0;
    uint64_t registers[16] = {};
    std::vector<Region> regions;
};

bool read_request(Request& request) {
    uint64_t magic = 0;
    if (!try_read(&magic, sizeof magic)) return false;
    if (magic != MAGIC) fail("this is no request");
    request.latency = read_word();
    request.numerator = read_word();
    request.denominator = read_word();
    request.limit = read_word();
    request.code_base = read_word();
    request.code_length = read_word();
    request.flags = read_word();
    request.seed = read_word();
    for (uint64_t& value : request.registers) value = read_word();
    request.regions.resize(read_word());
    for (Region& region : request.regions) {
        region.memory = read_word();
        region.address = read_word();
        region.bytes.resize(read_word());
        if (!region.bytes.empty() && !try_read(region.bytes.data(), region.bytes.size())) {
            fail("the request is cut short");
        }
    }
    if (request.latency == 0 || request.numerator == 0) fail("the DRAM has no latency or no bandwidth");
    return true;
}

// DRAM

// A burst that was granted and has not returned.
struct Burst {
    uint64_t completion;
    uint64_t address;
    bool is_write;
    uint8_t data[BURST_BYTES];
    uint8_t enable[(BURST_BYTES + 7) / 8];
};

// T-DRAM-BANDWIDTH and T-DRAM-LATENCY. The core limits how many bursts are in flight.
class Dram {
public:
    explicit Dram(const Request& request)
        : latency_(request.latency), numerator_(request.numerator), burst_debt_(BURST_BYTES * request.denominator) {}

    bool is_ready() const { return debt_ < numerator_; }

    // The read that returns its data in this cycle, or null if there is none. A write is performed here.
    bool respond(uint64_t cycle, uint8_t* data) {
        if (flying_.empty() || flying_.front().completion != cycle) return false;
        const Burst& burst = flying_.front();
        uint8_t* memory = at(burst.address);
        if (burst.is_write) {
            for (size_t i = 0; i < BURST_BYTES; ++i) {
                if (burst.enable[i / 8] >> (i % 8) & 1) memory[i] = burst.data[i];
            }
        }
        std::memcpy(data, memory, BURST_BYTES);
        flying_.pop_front();
        return true;
    }

    void grant(uint64_t cycle, const Vediacara_core& core) {
        Burst burst;
        burst.completion = cycle + latency_;
        burst.address = core.request_address;
        burst.is_write = core.request_write;
        if (burst.address % BURST_BYTES != 0) fail("a request is not aligned");
        std::memcpy(burst.data, &core.request_data, sizeof burst.data);
        std::memcpy(burst.enable, &core.request_enable, sizeof burst.enable);
        flying_.push_back(burst);
        debt_ += burst_debt_;
    }

    void end_cycle() { debt_ = debt_ > numerator_ ? debt_ - numerator_ : 0; }

    void write(uint64_t address, const uint8_t* from, size_t length) {
        while (length != 0) {
            const size_t room = PAGE_BYTES - address % PAGE_BYTES;
            const size_t piece = room < length ? room : length;
            std::memcpy(at(address), from, piece);
            address += piece;
            from += piece;
            length -= piece;
        }
    }

    void report(Writer& out) const {
        std::vector<uint8_t> payload;
        for (const auto& page : pages_) {
            payload.clear();
            append_word(payload, page.first * PAGE_BYTES);
            append(payload, page.second.data(), PAGE_BYTES);
            out.chunk(Chunk::page, payload);
        }
    }

private:
    // Bursts never straddle pages.
    uint8_t* at(uint64_t address) {
        const uint64_t number = address / PAGE_BYTES;
        if (page_ == nullptr || number != page_number_) {
            std::vector<uint8_t>& page = pages_[number];
            if (page.empty()) page.resize(PAGE_BYTES);
            page_ = page.data();
            page_number_ = number;
        }
        return page_ + address % PAGE_BYTES;
    }

    uint64_t latency_, numerator_, burst_debt_;
    uint64_t debt_ = 0;
    std::deque<Burst> flying_;
    std::unordered_map<uint64_t, std::vector<uint8_t>> pages_;
    // The page touched last.
    uint64_t page_number_ = 0;
    uint8_t* page_ = nullptr;
};

// Memories on chip: only this part knows how rtl/ram.sv keeps them.

// A RAM is two arrays of rows. Rows go to them alternately, and a row holds its bytes in ascending order.
class Ram {
public:
    template <typename Row, std::size_t EVEN, std::size_t ODD>
    Ram(VlUnpacked<Row, EVEN>& even, VlUnpacked<Row, ODD>& odd) : row_bytes_(sizeof(Row)), rows_(EVEN + ODD) {
        static_assert(EVEN == ODD || EVEN == ODD + 1, "rows do not alternate");
        halves_[0] = reinterpret_cast<uint8_t*>(&even[0]);
        halves_[1] = reinterpret_cast<uint8_t*>(&odd[0]);
    }

    void clear() {
        std::memset(halves_[0], 0, (rows_ + 1) / 2 * row_bytes_);
        std::memset(halves_[1], 0, rows_ / 2 * row_bytes_);
    }

    void write(uint64_t address, const std::vector<uint8_t>& bytes) {
        if (address + bytes.size() > rows_ * row_bytes_) fail("a region lies outside its memory");
        for (size_t i = 0; i < bytes.size(); ++i) *at(address + i) = bytes[i];
    }

    void report(Writer& out, uint64_t memory) {
        std::vector<uint8_t> payload;
        append_word(payload, memory);
        for (size_t row = 0; row < rows_; ++row) append(payload, at(row * row_bytes_), row_bytes_);
        out.chunk(Chunk::memory, payload);
    }

private:
    uint8_t* at(uint64_t address) {
        const uint64_t row = address / row_bytes_;
        return halves_[row % 2] + row / 2 * row_bytes_ + address % row_bytes_;
    }

    size_t row_bytes_, rows_;
    uint8_t* halves_[2];
};

#define EDIACARA_RAM(core, name) \
    Ram((core).rootp->ediacara_core__DOT__##name##__DOT__even, (core).rootp->ediacara_core__DOT__##name##__DOT__odd)

// NRAM, WRAM, ARAM, PRAM.
std::vector<Ram> on_chip(Vediacara_core& core) {
    return {EDIACARA_RAM(core, nram), EDIACARA_RAM(core, wram), EDIACARA_RAM(core, aram), EDIACARA_RAM(core, pram)};
}

// One program

// Field `index` of an array of 24-bit fields, such as start_instruction.
template <typename Signal>
uint64_t field24(const Signal& signal, unsigned index) {
    uint32_t value = 0;
    std::memcpy(&value, reinterpret_cast<const uint8_t*>(&signal) + 3 * index, 3);
    return value;
}

// Collects the events, and sends them in pieces.
class Events {
public:
    explicit Events(Writer& out) : out_(out) {}

    void add(uint64_t cycle, Kind kind, uint64_t engine, uint64_t value) {
        append_word(payload_, cycle);
        append_word(payload_, static_cast<uint64_t>(kind) << 56 | engine << 48 | value);
        if (payload_.size() >= 1 << 16) send();
    }

    // It also tells how far the run is.
    void send(uint64_t cycle) {
        send();
        std::vector<uint8_t> payload;
        append_word(payload, cycle);
        out_.chunk(Chunk::progress, payload);
        out_.flush();
    }

    void send() {
        if (!payload_.empty()) out_.chunk(Chunk::events, payload_);
        payload_.clear();
    }

private:
    Writer& out_;
    std::vector<uint8_t> payload_;
};

void record(Events& events, uint64_t cycle, const Vediacara_core& core) {
    if (core.issue_valid) events.add(cycle, Kind::issue, core.issue_engine, core.issue_instruction);
    for (unsigned lane = 0; lane < 4; ++lane) {
        if (core.start_valid >> lane & 1) {
            events.add(cycle, Kind::start, lane + 1, field24(core.start_instruction, lane));
        }
    }
    if (core.request_valid && core.request_ready) {
        events.add(cycle, Kind::grant, core.request_requester, core.request_address);
    }
    for (unsigned lane = 0; lane < 4; ++lane) {
        if (core.commit_valid >> lane & 1) {
            events.add(cycle, Kind::commit, lane + 1, field24(core.commit_instruction, lane));
        }
    }
}

// Writes waveforms, if they are wanted. Cycle c lasts from 10 c to 10 c + 10, and the second half of it shows
// what the cycle decides.
class Wave {
public:
#if VM_TRACE
    void open(Vediacara_core& core, const char* path) {
        if (path == nullptr) return;
        core.contextp()->traceEverOn(true);
        file_.reset(new VerilatedVcdC);
        core.trace(file_.get(), 99);
        file_->open(path);
    }
    void dump(uint64_t time) {
        if (file_) file_->dump(time);
    }
    void close() {
        if (file_) file_->close();
    }

private:
    std::unique_ptr<VerilatedVcdC> file_;
#else
    void open(Vediacara_core&, const char* path) {
        if (path != nullptr) fail("this core was built without waveforms");
    }
    void dump(uint64_t) {}
    void close() {}
#endif
};

void clock_edge(Vediacara_core& core) {
    core.clock = 0;
    core.eval();
    core.clock = 1;
    core.eval();
}

void run(const Request& request, Writer& out, const char* wave_path) {
    VerilatedContext context;
    context.randReset(request.seed == 0 ? 0 : 2);
    context.randSeed(static_cast<int>(request.seed));
    Vediacara_core core(&context);
    Wave wave;
    wave.open(core, wave_path);

    Dram dram(request);
    core.code_base = request.code_base;
    core.code_length = request.code_length;
    core.request_ready = 0;
    core.response_valid = 0;
    core.register_write = 0;
    core.register_number = 0;
    core.register_value = 0;
    core.reset = 1;
    clock_edge(core);
    clock_edge(core);
    for (unsigned number = 1; number < 16; ++number) {
        if (request.registers[number] == 0) continue;
        core.register_write = 1;
        core.register_number = number;
        core.register_value = request.registers[number] & 0xffffffffffull;
        clock_edge(core);
    }
    core.register_write = 0;
    // The memories are cleared only now, because before its first edge in reset a core may write noise to any
    // of them.
    std::vector<Ram> rams = on_chip(core);
    for (Ram& ram : rams) ram.clear();
    for (const Region& region : request.regions) {
        if (region.memory == 0) {
            dram.write(region.address, region.bytes.data(), region.bytes.size());
        } else if (region.memory <= rams.size()) {
            rams[region.memory - 1].write(region.address, region.bytes);
        } else {
            fail("a region lies in no memory");
        }
    }
    core.reset = 0;

    Events events(out);
    uint64_t cycle = 0;
    bool finished = false;
    uint8_t data[BURST_BYTES] = {};
    for (; cycle < request.limit; ++cycle) {
        core.request_ready = dram.is_ready();
        core.response_valid = dram.respond(cycle, data);
        std::memcpy(&core.response_data, data, sizeof data);
        core.clock = 0;
        core.eval();
        wave.dump(10 * cycle + 5);
        if (request.flags & REPORT_EVENTS) record(events, cycle, core);
        if (core.request_valid && core.request_ready) dram.grant(cycle, core);
        dram.end_cycle();
        if (core.finished) {
            finished = true;
            break;
        }
        core.clock = 1;
        core.eval();
        wave.dump(10 * cycle + 10);
        if (cycle % (1 << 14) == (1 << 14) - 1) events.send(cycle + 1);
    }
    events.send();

    std::vector<uint8_t> end;
    append_word(end, finished ? cycle + 1 : cycle);
    append_word(end, !finished ? FAULT_LIMIT : core.fault_valid ? core.fault_kind : NO_FAULT);
    append_word(end, core.fault_instruction);
    append_word(end, core.fault_cycle);
    out.chunk(Chunk::end, end);
    if (request.flags & REPORT_MEMORIES) {
        for (size_t i = 0; i < rams.size(); ++i) rams[i].report(out, i + 1);
        dram.report(out);
    }
    core.final();
    // The other side may end this process as soon as it has read the last chunk.
    wave.close();
    out.chunk(Chunk::done, {});
    out.flush();
}

}  // namespace

// Usage: harness [WAVE.vcd]
int main(int argc, char** argv) {
    // What the core prints must not land among the chunks.
    FILE* output = fdopen(dup(STDOUT_FILENO), "wb");
    if (output == nullptr || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) fail("cannot write to standard output");
    Writer out(output);
    Request request;
    while (read_request(request)) run(request, out, argc > 1 ? argv[1] : nullptr);
    return 0;
}
