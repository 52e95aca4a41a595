internal import CVolley
internal import Glibc
internal import SystemPackage

/// A program about to be started: everything looked up, nothing left to decide.
struct SpawnRequest: Sendable {
    /// The program's file; a relative path is taken from the working directory of the child.
    var path: String
    /// The arguments, beginning with the name it is called by.
    var arguments: [String]
    /// The environment, as `NAME=value`.
    var environment: [[UInt8]]
    var workingDirectory: String?
    /// What the child's descriptors are duplicates of; every source has a higher number than any target.
    var descriptors: [(source: CInt, target: CInt)] = []
    /// What becomes a duplicate of the child's standard output, in the end.
    var joinedToOutput: [CInt] = []
    /// Numbers up to ``highestDescriptor`` that the child gets nothing under.
    var closed: [CInt] = []
    /// The highest number the child gets; everything above is closed.
    var highestDescriptor: CInt = 2
    var startsNewSession = false
    /// The process group it joins; 0 for one of its own.
    var processGroup: CInt?

    /// Starts it by `posix_spawn(3)`, which neither copies memory nor runs code of ours in the child.
    ///
    /// All signals are as a program expects them, whatever this process does with them: none is blocked, none ignored.
    func start() throws(Errno) -> CInt {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        try Self.check(unsafe posix_spawn_file_actions_init(&actions))
        // SAFETY: initialised above, destroyed once.
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        try Self.check(unsafe posix_spawnattr_init(&attributes))
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe try addActions(to: &actions)
        try setAttributes(of: &attributes)

        // SAFETY: the strings are copies that live until the call is over; both arrays end with nil.
        var argumentList = unsafe Self.cStrings(arguments.map { Array($0.utf8) })
        var variables = unsafe Self.cStrings(environment)
        defer { unsafe (argumentList + variables).forEach { unsafe free($0) } }
        var process: pid_t = 0
        try Self.check(unsafe posix_spawn(&process, path, &actions, &attributes, &argumentList, &variables))
        return process
    }

    /// What the child does before it becomes the program, in this order.
    private func addActions(to actions: inout posix_spawn_file_actions_t) throws(Errno) {
        // SAFETY, for all: the actions are initialised, and the calls copy what they are given.
        for (source, target) in descriptors {
            try Self.check(unsafe posix_spawn_file_actions_adddup2(&actions, source, target))
        }
        for target in joinedToOutput {
            try Self.check(unsafe posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, target))
        }
        for number in closed { try Self.check(unsafe posix_spawn_file_actions_addclose(&actions, number)) }
        try Self.check(unsafe volley_spawn_close_from(&actions, highestDescriptor + 1))
        if let workingDirectory {
            try Self.check(unsafe volley_spawn_change_directory(&actions, workingDirectory))
        }
    }

    private func setAttributes(of attributes: inout posix_spawnattr_t) throws(Errno) {
        var none = sigset_t()
        var all = sigset_t()
        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        // SAFETY, for all: sets and attributes are this function's own, and the calls copy them.
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        try Self.check(unsafe posix_spawnattr_setsigmask(&attributes, &none))
        try Self.check(unsafe posix_spawnattr_setsigdefault(&attributes, &all))
        if startsNewSession { flags |= CInt(VOLLEY_SPAWN_SETSID) }
        if let processGroup {
            flags |= POSIX_SPAWN_SETPGROUP
            try Self.check(unsafe posix_spawnattr_setpgroup(&attributes, processGroup))
        }
        try Self.check(unsafe posix_spawnattr_setflags(&attributes, Int16(flags)))
    }

    /// Copies as `exec` wants them, to be freed.
    private static func cStrings(_ texts: [[UInt8]]) -> [UnsafeMutablePointer<CChar>?] {
        unsafe texts.map { unsafe strdup($0.map(CChar.init(bitPattern:)) + [0]) } + [nil]
    }

    /// These calls return the error number.
    private static func check(_ number: CInt) throws(Errno) {
        if number != 0 { throw Errno(rawValue: number) }
    }
}
