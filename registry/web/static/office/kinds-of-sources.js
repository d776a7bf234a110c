// What each kind of source may say.
export const kindsOf = {
  laboratory: ["negative", "positive", "inconclusive"],
  "pcr-portal": ["negative", "positive", "inconclusive"],
  "covid-19-centre": ["contact", "recovered"],
  "vaccination-register": ["vaccinated"],
};
