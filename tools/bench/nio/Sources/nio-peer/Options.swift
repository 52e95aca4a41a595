/// The command line every receiver of the benchmark understands: `echo|sink --listen ADDR:PORT [--duration S] [--json]`.
struct Options {
    var echo: Bool
    var host: String
    var port: Int
    /// Seconds to run; `nil` runs until SIGTERM or SIGINT.
    var duration: Double?
    /// Datagrams per `recvmmsg`; 0 leaves NIO's default of one `recvmsg` per datagram.
    var vectorReads = 0

    struct UsageError: Error, CustomStringConvertible {
        var description: String
    }

    init(_ arguments: [String]) throws {
        guard let mode = arguments.first, mode == "echo" || mode == "sink" else {
            throw UsageError(description: "say echo or sink first")
        }
        self.echo = mode == "echo"
        self.host = ""
        self.port = -1
        var rest = arguments.dropFirst()
        while let name = rest.popFirst() {
            if name == "--json" { continue }
            guard let value = rest.popFirst() else { throw UsageError(description: "\(name) has no value") }
            switch name {
            case "--listen":
                guard let colon = value.lastIndex(of: ":"),
                    let port = UInt16(value[value.index(after: colon)...])
                else {
                    throw UsageError(description: "--listen \(value): not ADDR:PORT")
                }
                self.host = String(value[..<colon])
                self.port = Int(port)
            case "--duration":
                guard let seconds = Double(value), seconds > 0, seconds <= 86_400 else {
                    throw UsageError(description: "--duration \(value): not a number of seconds")
                }
                self.duration = seconds
            case "--vector":
                guard let count = Int(value), (1...1024).contains(count) else {
                    throw UsageError(description: "--vector \(value): not between 1 and 1024")
                }
                self.vectorReads = count
            default:
                throw UsageError(description: "\(name): unknown option")
            }
        }
        if self.port < 0 { throw UsageError(description: "--listen ADDR:PORT is missing") }
    }
}
