internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// Where a program is, and why it could not be started.
///
/// `posix_spawn(3)` gives one error number for the working directory, the program and its interpreter: this tells them
/// apart, by looking, after the fact.
struct ProgramLookup {
    /// What the caller has called the program.
    let program: String
    /// `PATH` of the program's own environment.
    let searchPath: String?
    /// Where the program starts; relative paths are seen from there.
    let workingDirectory: String?

    /// The file to execute: `program` itself if it has a slash, else the first that can be executed in a folder of `PATH`.
    func path() throws(SubprocessError) -> String {
        guard !program.isEmpty, !program.hasZero else {
            throw SubprocessError(.invalidArgument, "a program has a name, without zero bytes: \"\(program)\"")
        }
        guard !program.contains("/") else { return program }
        var refused: String?
        let folders = (searchPath ?? "/bin:/usr/bin").split(separator: ":", omittingEmptySubsequences: false)
        for folder in folders {
            // An empty one is the working directory.
            let candidate = folder.isEmpty ? "./\(program)" : "\(folder)/\(program)"
            switch kind(of: seenFromHere(candidate)) {
            case .executable: return candidate
            case .refused: refused = refused ?? candidate
            case .missing, .folder: continue
            }
        }
        if let refused { throw Self.notExecutable(refused) }
        throw SubprocessError(
            .noSuchProgram,
            "cannot start \(program): there is no such program in PATH (\(searchPath ?? "not set, so /bin:/usr/bin"))",
            errno: .noSuchFileOrDirectory)
    }

    /// Why `path` could not be started, given the error number.
    func explain(_ errno: Errno, path: String) -> SubprocessError {
        if let workingDirectory, let problem = problem(with: workingDirectory) {
            return SubprocessError(
                .noSuchDirectory,
                "cannot start \(program): the working directory \(workingDirectory) \(problem)", errno: errno)
        }
        let seen = seenFromHere(path)
        switch kind(of: seen) {
        case .missing:
            return SubprocessError(.noSuchProgram, "cannot start \(program): there is no such file", errno: errno)
        case .folder:
            return SubprocessError(.notExecutable, "cannot start \(program): it is a directory", errno: errno)
        case .refused: return Self.notExecutable(path)
        case .executable: break
        }
        switch errno {
        case .noSuchFileOrDirectory:
            let interpreter = interpreter(of: seen).map { ", \($0)," } ?? ", or the loader it was built for,"
            return SubprocessError(
                .noSuchProgram, "cannot start \(program): its interpreter\(interpreter) is missing", errno: errno)
        case .execFormatError:
            return SubprocessError(
                .notExecutable,
                "cannot start \(program): it is neither a program for this machine nor a script with a #! line",
                errno: errno)
        case .permissionDenied:
            return SubprocessError(
                .notExecutable,
                "cannot start \(program): executing it or its interpreter is refused; is it on a file "
                    + "system mounted noexec?", errno: errno)
        case .argListTooLong:
            return SubprocessError(
                .invalidArgument, "cannot start \(program): arguments and environment are too long together",
                errno: errno)
        case .resourceTemporarilyUnavailable:
            return SubprocessError(
                .systemCall,
                "cannot start \(program): there are too many processes (RLIMIT_NPROC, or pids.max of the "
                    + "control group)", errno: errno)
        default: return SubprocessError(.systemCall, "cannot start \(program)", errno: errno)
        }
    }

    // MARK: Looking

    private enum Kind { case executable, refused, folder, missing }

    private func kind(of path: String) -> Kind {
        guard let mode = Self.mode(of: path) else { return .missing }
        if mode & S_IFMT == S_IFDIR { return .folder }
        // SAFETY: the call only reads the path.
        return unsafe mode & S_IFMT == S_IFREG && access(path, X_OK) == 0 ? .executable : .refused
    }

    private func problem(with directory: String) -> String? {
        guard let mode = Self.mode(of: directory) else { return "does not exist" }
        guard mode & S_IFMT == S_IFDIR else { return "is not a directory" }
        // SAFETY: the call only reads the path.
        return unsafe access(directory, X_OK) == 0 ? nil : "may not be entered"
    }

    /// A path of the child's as one of ours.
    private func seenFromHere(_ path: String) -> String {
        guard let workingDirectory, !path.hasPrefix("/") else { return path }
        return "\(workingDirectory)/\(path)"
    }

    private static func mode(of path: String) -> mode_t? {
        var status = stat()
        // SAFETY: the call only reads the path and writes `status`.
        return unsafe stat(path, &status) == 0 ? status.st_mode : nil
    }

    /// What the `#!` line of a script names.
    private func interpreter(of path: String) -> String? {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 256)
        // SAFETY: the call writes no further than the buffer.
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe (try? file.read(into: $0)) ?? 0 }
        let line = bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }
        guard line.starts(with: "#!".utf8) else { return nil }
        return String(decoding: line.dropFirst(2), as: UTF8.self).split(separator: " ").first.map(String.init)
    }

    private static func notExecutable(_ path: String) -> SubprocessError {
        SubprocessError(
            .notExecutable, "cannot start \(path): it is not executable for this user (chmod +x)",
            errno: .permissionDenied)
    }
}
