// The kinds of venues that package kiosk knows.
export const venues = [
  "airport", "banquet-hall", "beauty-salon", "bowling", "bus-station", "casino", "cinema", "computer-club", "conference",
  "dentist", "exhibition", "fitness", "food-court", "government-office", "hotel", "karaoke", "library", "market", "museum",
  "nightclub", "office", "pharmacy", "playground", "pool", "prayer-house", "railway-station", "restaurant", "sauna", "school",
  "shop", "shopping-mall", "sport-event", "theatre",
];
