public import VolleyCore

/// How a program is started.
public struct SubprocessOptions: Sendable {
    /// What the program reads as its standard input, descriptor 0.
    public var standardInput: SubprocessStream = .pipe
    /// What the program writes its standard output to, descriptor 1.
    public var standardOutput: SubprocessStream = .pipe
    /// What the program writes its standard error to, descriptor 2.
    public var standardError: SubprocessStream = .pipe
    /// What the program finds under other numbers, from 3 to 1,023; a pipe here is one that the program writes to.
    ///
    /// All other descriptors of this process are closed in the program. Python: `pass_fds`.
    public var otherDescriptors: [CInt: SubprocessStream] = [:]
    /// The program's environment.
    public var environment = SubprocessEnvironment.inherited
    /// Where the program starts; `nil` where this process is.
    ///
    /// Python: `cwd`.
    public var workingDirectory: String?
    /// Whether the program leads a session of its own, without a terminal (`setsid(2)`).
    ///
    /// Python: `start_new_session`.
    public var startsNewSession = false
    /// The process group the program joins, 0 for one of its own, `nil` for that of this process.
    ///
    /// Ctrl-C in a terminal reaches all of the foreground group. Python: `process_group`.
    public var processGroup: CInt?
    /// What the program sees as its own name; `nil` for the program as it was given.
    ///
    /// Python: `executable`.
    public var argumentZero: String?
    /// The marks of the pipe to standard input, at which `pauseWriting` and `resumeWriting` are called.
    public var writeBufferLimits = WriteBufferLimits.stream

    /// A program with pipes for its three standard streams, in this process's environment, directory and session.
    public init() {}
}

/// What a descriptor of a program is.
public struct SubprocessStream: Hashable, Sendable {
    enum Value: Hashable { case pipe, inherited, null, descriptor(CInt), standardOutput }
    let value: Value

    /// A pipe to this process, whose end the protocol has.
    public static let pipe = SubprocessStream(value: .pipe)
    /// What this process has under the same number.
    public static let inherited = SubprocessStream(value: .inherited)
    /// `/dev/null`: reads as empty, and takes everything.
    public static let null = SubprocessStream(value: .null)
    /// A duplicate of a descriptor of this process, which keeps its own.
    public static func descriptor(_ descriptor: CInt) -> SubprocessStream {
        SubprocessStream(value: .descriptor(descriptor))
    }
    /// Whatever standard output is (the shell's `2>&1`).
    public static let standardOutput = SubprocessStream(value: .standardOutput)
}

/// The environment of a program.
public struct SubprocessEnvironment: Hashable, Sendable {
    private let isInherited: Bool
    private let changes: [String: String?]

    /// That of this process, at the time the program is started.
    public static let inherited = SubprocessEnvironment(isInherited: true, changes: [:])
    /// That of this process, with some variables set, and those that are `nil` removed.
    public static func inherited(changing changes: [String: String?]) -> SubprocessEnvironment {
        SubprocessEnvironment(isInherited: true, changes: changes)
    }
    /// These variables, and no others.
    public static func only(_ variables: [String: String]) -> SubprocessEnvironment {
        SubprocessEnvironment(isInherited: false, changes: variables.mapValues { $0 })
    }

    /// As `NAME=value`: the inherited ones as they are, whatever their encoding, then the others by name.
    func entries(inheriting inherited: [[UInt8]]) throws(SubprocessError) -> [[UInt8]] {
        for (name, value) in changes
        where name.isEmpty || name.utf8.contains(UInt8(ascii: "=")) || name.hasZero || value?.hasZero == true {
            throw SubprocessError(
                .invalidArgument, "an environment variable needs a name without \"=\", and no zero bytes: \"\(name)\"")
        }
        let changed = changes.keys.map { Array("\($0)=".utf8) }
        let kept = isInherited ? inherited.filter { entry in !changed.contains { entry.starts(with: $0) } } : []
        return kept
            + changes.sorted { $0.key < $1.key }.compactMap { name, value in value.map { Array("\(name)=\($0)".utf8) } }
    }

    /// The value of a variable among `entries`.
    static func value(of name: String, in entries: [[UInt8]]) -> String? {
        let beginning = Array("\(name)=".utf8)
        return entries.first { $0.starts(with: beginning) }
            .map { String(decoding: $0.dropFirst(beginning.count), as: UTF8.self) }
    }
}

extension String {
    /// Whether there is a zero byte, which would end it in C.
    var hasZero: Bool { utf8.contains(0) }
}
