/// One behaviour of the contract, told as a short story that any world can play.
public struct DatagramScenario: Sendable, CustomStringConvertible {
    /// The behaviour, as a sentence.
    public let name: String
    /// The rows of the behaviour list it shows: `D…` for datagrams, `F…` for flow control.
    public let rows: [String]
    /// What a world has to offer for it.
    public let needs: ContractCapabilities
    let styles: [ProtocolStyle]
    let body: @Sendable (ContractRun) throws -> Void

    init(
        _ name: String, _ rows: [String] = [], needs: ContractCapabilities = [],
        styles: [ProtocolStyle] = ProtocolStyle.all, _ body: @escaping @Sendable (ContractRun) throws -> Void
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
    public func inapplicability(to capabilities: ContractCapabilities) -> String? {
        let missing = needs.subtracting(capabilities)
        return missing.isEmpty ? nil : "the world does not offer \(missing.text)"
    }

    /// Plays the scenario, in a fresh world for each way a protocol can take datagrams, and checks what must always be
    /// true: the order of the callbacks, the accounts, and that nothing stays in memory.
    public func run(in makeWorld: () throws -> any ContractWorld) throws(ContractFailure) {
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

    private func play(_ style: ProtocolStyle, _ makeWorld: () throws -> any ContractWorld) throws {
        weak var recorder: CallbackRecorder?
        weak var transport: (any DatagramTransport)?
        try {
            let run = ContractRun(try makeWorld(), style: style)
            try body(run)
            try run.finish()
            recorder = run.recorder
            transport = run.transport
        }()
        let place = ContractPlace(fileID: #fileID, filePath: #filePath, line: #line)
        if recorder != nil { throw place.failure("the protocol is still in memory after the endpoint's end") }
        if transport != nil { throw place.failure("the transport is still in memory after the endpoint's end") }
    }
}

/// How a protocol takes its datagrams.
enum ProtocolStyle: Sendable, CustomStringConvertible {
    /// One by one: `datagramReceived`.
    case single
    /// By the batch: `datagramsReceived`.
    case batch

    static let all = [single, batch]

    var description: String { self == .single ? "datagram by datagram" : "by the batch" }
}
