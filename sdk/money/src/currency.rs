//! Currencies by their ISO 4217 codes.

/// A currency and the digits after its decimal point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: &'static str,
    scale: u8,
}

/// Active ISO 4217 codes by their number of decimals.
const BY_SCALE: [(u8, &str); 3] = [
    (
        0,
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    ),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP \
         CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES \
         KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK \
         NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB \
         TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
];

impl Currency {
    /// The currency of an ISO 4217 code in capital letters, when it is a known one.
    pub fn from_code(code: &str) -> Option<Currency> {
        BY_SCALE.iter().find_map(|(scale, codes)| {
            let code = codes
                .split_ascii_whitespace()
                .find(|known| *known == code)?;
            Some(Currency {
                code,
                scale: *scale,
            })
        })
    }

    pub const fn code(self) -> &'static str {
        self.code
    }

    /// Digits after the decimal point: 2 for CNY, 0 for JPY.
    pub const fn scale(self) -> u8 {
        self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_currencies_have_their_scale_and_others_are_unknown() {
        for (code, scale) in [("CNY", 2), ("JPY", 0), ("KWD", 3), ("EUR", 2), ("VND", 0)] {
            let currency = Currency::from_code(code).expect(code);
            assert_eq!((currency.code(), currency.scale()), (code, scale));
        }
        for code in ["", "cny", "CN", "XXX", "CNY EUR", "RMB"] {
            assert_eq!(Currency::from_code(code), None, "{code}");
        }
    }

    #[test]
    fn no_code_is_listed_twice() {
        let mut all: Vec<&str> = BY_SCALE
            .iter()
            .flat_map(|(_, codes)| codes.split_ascii_whitespace())
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|code| code.len() == 3));
    }
}
