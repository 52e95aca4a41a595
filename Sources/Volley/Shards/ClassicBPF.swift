internal import CVolley

/// An assembler for the little of classic BPF that steering takes (linux/filter.h, bpf(4) of the BSDs).
///
/// The machine has an accumulator A, an index register X and 16 words of memory; it only jumps forward. A program that
/// loads from outside of the packet ends with 0.
struct ClassicBPF {
    private(set) var instructions: [sock_filter] = []

    /// A place further on that jumps go to, once it is known.
    struct Label {
        fileprivate var jumps: [Int] = []
    }

    /// Where a load's offset counts from: the IP header, of either version, whatever has been taken off the packet.
    static let network = UInt32(bitPattern: SKF_NET_OFF)
    /// The processor the program runs on, as a load's offset.
    static let processor = UInt32(bitPattern: SKF_AD_OFF + SKF_AD_CPU)

    private mutating func append(_ code: CInt, _ k: UInt32 = 0, jumpFalse: UInt8 = 0) {
        instructions.append(sock_filter(code: UInt16(code), jt: 0, jf: jumpFalse, k: k))
    }

    // MARK: Loads and stores

    mutating func load(_ value: UInt32) { append(BPF_LD | BPF_IMM, value) }
    mutating func load(memory: UInt32) { append(BPF_LD | BPF_MEM, memory) }
    mutating func loadX(memory: UInt32) { append(BPF_LDX | BPF_MEM, memory) }
    mutating func store(memory: UInt32) { append(BPF_ST, memory) }
    /// A = the byte of the packet at `offset`.
    mutating func loadByte(at offset: UInt32) { append(BPF_LD | BPF_B | BPF_ABS, offset) }
    /// A = the 32-bit word of the packet at `offset`.
    mutating func loadWord(at offset: UInt32) { append(BPF_LD | BPF_W | BPF_ABS, offset) }
    /// A = the byte of the packet at X + `offset`.
    mutating func loadByte(atXPlus offset: UInt32) { append(BPF_LD | BPF_B | BPF_IND, offset) }
    /// A = the 16-bit number of the packet at X + `offset`.
    mutating func loadHalfWord(atXPlus offset: UInt32) { append(BPF_LD | BPF_H | BPF_IND, offset) }
    /// X = four times the low half of the byte at `offset`: the length of an IPv4 header.
    mutating func loadXHeaderLength(at offset: UInt32) { append(BPF_LDX | BPF_B | BPF_MSH, offset) }

    // MARK: Arithmetic on A

    mutating func add(_ value: UInt32) { append(BPF_ALU | BPF_ADD | BPF_K, value) }
    mutating func addX() { append(BPF_ALU | BPF_ADD | BPF_X) }
    mutating func multiply(by value: UInt32) { append(BPF_ALU | BPF_MUL | BPF_K, value) }
    mutating func remainder(by value: UInt32) { append(BPF_ALU | BPF_MOD | BPF_K, value) }
    mutating func shiftLeft(by count: UInt32) { append(BPF_ALU | BPF_LSH | BPF_K, count) }
    mutating func shiftRight(by count: UInt32) { append(BPF_ALU | BPF_RSH | BPF_K, count) }
    mutating func xorX() { append(BPF_ALU | BPF_XOR | BPF_X) }
    mutating func copyToX() { append(BPF_MISC | BPF_TAX) }

    // MARK: Jumps and ends

    /// The next instruction, which has to be a single one, happens only if A is `value`.
    mutating func ifEqual(_ value: UInt32) { append(BPF_JMP | BPF_JEQ | BPF_K, value, jumpFalse: 1) }

    mutating func jump(to label: inout Label) {
        label.jumps.append(instructions.count)
        append(BPF_JMP | BPF_JA)
    }

    /// The next instruction is where the jumps to `label` go.
    mutating func place(_ label: consuming Label) {
        for jump in label.jumps { instructions[jump].k = UInt32(instructions.count - jump - 1) }
    }

    mutating func end(with value: UInt32) { append(BPF_RET | BPF_K, value) }
    mutating func endWithA() { append(BPF_RET | BPF_A) }
}
