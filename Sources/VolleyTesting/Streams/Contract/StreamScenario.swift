/// One behaviour of the contract of streams, told as a short story that any world can play.
public struct StreamScenario: Sendable, CustomStringConvertible {
    /// The behaviour, as a sentence.
    public let name: String
    /// The rows of the behaviour list it shows: `P…` for streams, `B…` for buffered protocols, `F…` for flow control.
    public let rows: [String]
    /// What a world has to offer for it.
    public let needs: StreamCapabilities
    let styles: [StreamStyle]
    let body: @Sendable (StreamRun) throws -> Void

    init(
        _ name: String, _ rows: [String] = [], needs: StreamCapabilities = [], styles: [StreamStyle] = StreamStyle.all,
        _ body: @escaping @Sendable (StreamRun) throws -> Void
    ) {
        self.name = name
        self.rows = rows
        self.needs = needs
        self.styles = styles
        self.body = body
    }

    /// The name.
    public var description: String { name }

    /// Why a world with `capabilities` cannot play this; `nil` if it can.
    public func inapplicability(to capabilities: StreamCapabilities) -> String? {
        let missing = needs.subtracting(capabilities)
        return missing.isEmpty ? nil : "the world does not offer \(missing.text)"
    }

    /// Plays the scenario, once for each kind of protocol it concerns, each time in a new world.
    ///
    /// Every play also checks what is true of every life of a stream: the order of the callbacks, that every byte is
    /// accounted for, and that nothing stays in memory.
    public func run(in makeWorld: () throws -> any StreamContractWorld) throws(ContractFailure) {
        for style in styles {
            do {
                try play(style, makeWorld)
            } catch let failure as ContractFailure {
                throw ContractFailure(
                    message: "\(failure.message) (\(style))", fileID: failure.fileID, filePath: failure.filePath,
                    line: failure.line)
            } catch {
                throw ContractPlace(fileID: #fileID, filePath: #filePath, line: #line).failure("\(error) (\(style))")
            }
        }
    }

    private func play(_ style: StreamStyle, _ makeWorld: () throws -> any StreamContractWorld) throws {
        weak var recorder: StreamRecorder?
        weak var transport: (any StreamTransport)?
        try {
            let run = StreamRun(try makeWorld(), style: style)
            try body(run)
            try run.finish()
            recorder = run.recorder
            transport = run.transport
        }()
        let place = ContractPlace(fileID: #fileID, filePath: #filePath, line: #line)
        if recorder != nil { throw place.failure("the protocol is still in memory after the stream's end") }
        if transport != nil { throw place.failure("the transport is still in memory after the stream's end") }
    }
}

/// How a protocol takes its bytes.
enum StreamStyle: Sendable, CustomStringConvertible {
    /// As views of the loop's buffer.
    case plain
    /// Into a buffer of its own.
    case buffered
    /// Into a buffer of its own that is smaller than most of what arrives.
    case tiny

    static let all = [plain, buffered, tiny]

    var description: String {
        switch self {
        case .plain: "plain"
        case .buffered: "buffered"
        case .tiny: "buffered, three bytes at a time"
        }
    }
}

/// The contract of a stream transport: what every one must do, whatever carries its bytes; asyncio's, as its tests have
/// it.
public enum StreamContract {
    /// All scenarios; names are unique.
    public static let scenarios: [StreamScenario] =
        living + reading + readErrors + pausing + writing + draining + gathering + ending + flowControl + closing
        + buffering + switching
}
