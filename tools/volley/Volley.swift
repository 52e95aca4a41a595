import ArgumentParser

/// The command `volley`.
@main
struct VolleyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volley",
        abstract: "Serve, replay and inspect UDP traffic.",
        discussion: """
            EXIT STATUS
              0    success
              1    a replay ran, but its replies differ from the captured ones
              4    an input or output file, or a socket, failed
              64   the command line is wrong
              65   the input is not a capture, or holds nothing that could be replayed
              130  interrupted (Ctrl-C) before there was anything to report
            """,
        version: volleyVersion,
        subcommands: [ServeCommand.self, ReplayCommand.self, InspectCommand.self, RecordCommand.self]
    )
}

extension VolleyCommand {
    /// Runs the command: help and results to standard output, an error as one line to standard error.
    static func main() {
        // A reader that goes away is an error of the write, not the end of the process.
        ignoreBrokenPipes()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let status as ExitCode {
            exit(withError: status)
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            let message = message(for: error).split(separator: "\n").joined(separator: " ")
            Console.complain("\(message) (volley --help says how)")
            exit(withError: ExitCode.validationFailure)
        }
    }
}

/// The version of this package.
let volleyVersion = "0.1.0"

extension ExitCode {
    /// A replay's replies differ from the captured ones.
    static let repliesDiffer = ExitCode(1)
    /// Input or output failed.
    static let ioFailure = ExitCode(4)
    /// The input holds nothing that could be used.
    static let unusableInput = ExitCode(65)
}
