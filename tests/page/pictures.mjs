/* Pictures to add: plain shapes that the default model tells apart, drawn by a browser. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";

export const PICTURES = [
  { name: "red-circle.png", caption: "a red circle", colour: "#d3222a", shape: "circle" },
  { name: "blue-square.png", caption: "a blue square", colour: "#1f4fd8", shape: "square" },
  { name: "green-triangle.png", caption: "a green triangle", colour: "#1c9a3c", shape: "triangle" },
  { name: "yellow-circle.png", caption: "a yellow circle", colour: "#f2c51d", shape: "circle" },
];

function draw({ colour, shape }) {
  const canvas = document.createElement("canvas");
  canvas.width = 320;
  canvas.height = 240;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "white";
  pen.fillRect(0, 0, 320, 240);
  pen.fillStyle = colour;
  pen.beginPath();
  if (shape === "circle") {
    pen.arc(160, 120, 90, 0, 7);
  } else if (shape === "square") {
    pen.rect(75, 35, 170, 170);
  } else {
    pen.moveTo(160, 20);
    pen.lineTo(270, 220);
    pen.lineTo(50, 220);
  }
  pen.fill();
  return canvas.toDataURL("image/png").split(",")[1];
}

/* Writes them into `folder`; the paths, in the order of PICTURES. */
export async function writePictures(page, folder) {
  const paths = [];
  for (const picture of PICTURES) {
    const path = join(folder, picture.name);
    await writeFile(path, Buffer.from(await page.evaluate(draw, picture), "base64"));
    paths.push(path);
  }
  return paths;
}
