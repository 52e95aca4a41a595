/// A transport does not do what the contract says, with the place in the scenario that found out.
public struct ContractFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was expected, and what happened.
    public let message: String
    /// The scenario's file, as `#fileID` gives it.
    public let fileID: String
    /// The scenario's file, as `#filePath` gives it.
    public let filePath: String
    /// The line of the expectation.
    public let line: Int

    /// The message with its place.
    public var description: String { "\(fileID):\(line): \(message)" }
}

/// Where in a scenario an expectation stands.
struct ContractPlace {
    let fileID: String
    let filePath: String
    let line: Int

    func failure(_ message: String) -> ContractFailure {
        ContractFailure(message: message, fileID: fileID, filePath: filePath, line: line)
    }
}
