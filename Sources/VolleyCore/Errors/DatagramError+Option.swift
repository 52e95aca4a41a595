extension DatagramError {
    /// A socket option that could not be set.
    public struct Option: Hashable, Sendable, CustomStringConvertible {
        /// Its name, as in the manual pages: `SO_BINDTODEVICE`.
        public let name: String
        /// What it was to be set to.
        public let value: String
        /// What to do about it, in a few words, where that is known.
        public let hint: String?

        /// An option from its parts.
        public init(_ name: String, value: String, hint: String? = nil) {
            self.name = name
            self.value = value
            self.hint = hint
        }

        /// Name and value: `SO_BINDTODEVICE to eth7`.
        public var description: String { "\(name) to \(value)" }
    }
}
